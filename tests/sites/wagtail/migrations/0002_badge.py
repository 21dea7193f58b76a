
import image_studio.fields
import wagtail.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('image_studio', '0005_money'),
        ('wagtailsite', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Badge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=50)),
                ('body', wagtail.fields.StreamField([('picture', 2)], blank=True, block_lookup={0: ('image_studio.contrib.wagtail.blocks.StudioPictureChooserBlock', (), {'brand': '', 'channel': '', 'label': 'Picture', 'required': True}), 1: ('wagtail.blocks.CharBlock', (), {'help_text': "Leave empty to take the picture's own alt text in the language of the page.", 'label': 'Alt text here', 'max_length': 1000, 'required': False}), 2: ('wagtail.blocks.StructBlock', [[('picture', 0), ('alt', 1)]], {})})),
                ('picture', image_studio.fields.AssetForeignKey(blank=True, null=True)),
            ],
        ),
    ]
