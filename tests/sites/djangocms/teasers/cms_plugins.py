"""The plugin *Teaser picture*: an image of filer's, by easy-thumbnails."""

from cms.plugin_base import CMSPluginBase
from cms.plugin_pool import plugin_pool

from tests.sites.djangocms.teasers.models import TeaserPicture


@plugin_pool.register_plugin
class TeaserPicturePlugin(CMSPluginBase):
    model = TeaserPicture
    name = "Teaser picture"
    render_template = "teaser.html"
