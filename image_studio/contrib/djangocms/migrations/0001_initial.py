import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import image_studio.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cms", "0043_alter_globalpagepermission_can_view_and_more"),
        ("image_studio", "0004_edit_chains"),
    ]

    operations = [
        migrations.CreateModel(
            name="StudioPicture",
            fields=[
                (
                    "cmsplugin_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="%(app_label)s_%(class)s",
                        serialize=False,
                        to="cms.cmsplugin",
                    ),
                ),
                ("use", models.CharField(default="default", max_length=64, verbose_name="width")),
                (
                    "alt",
                    models.CharField(
                        blank=True,
                        help_text="Words for this page alone; empty takes the picture's own.",
                        max_length=1000,
                        verbose_name="alt text",
                    ),
                ),
                (
                    "decorative",
                    models.BooleanField(
                        default=False,
                        help_text="The picture says nothing that the text does not say: screen readers skip it.",
                        verbose_name="decorative",
                    ),
                ),
                (
                    "alignment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("left", "Left, text flows around it"),
                            ("center", "Centred"),
                            ("right", "Right, text flows around it"),
                        ],
                        max_length=8,
                        verbose_name="alignment",
                    ),
                ),
                (
                    "link_url",
                    models.CharField(
                        blank=True,
                        max_length=500,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^(https?://|mailto:|tel:|/(?!/)|#|\\?)",
                                code="bad_link",
                                message="Begin with https://, with / for a page of this site, or with mailto: or tel:.",
                            )
                        ],
                        verbose_name="link to an address",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        help_text="Offers only pictures that were made for this place.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="image_studio.channel",
                        verbose_name="channel",
                    ),
                ),
                (
                    "link_page",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="cms.page",
                        verbose_name="link to a page",
                    ),
                ),
                ("picture", image_studio.fields.AssetForeignKey(verbose_name="picture")),
            ],
            options={
                "verbose_name": "Studio picture",
                "verbose_name_plural": "Studio pictures",
            },
            bases=("cms.cmsplugin",),
        ),
    ]
