# A picture is the studio's own field now: always PROTECT, only what is live may be chosen.

from django.db import migrations

import image_studio.fields


class Migration(migrations.Migration):
    dependencies = [
        ("image_studio", "0001_initial"),
        ("magazine", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="article",
            name="card",
            field=image_studio.fields.AssetForeignKey(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="article",
            name="picture",
            field=image_studio.fields.AssetForeignKey(blank=True, null=True),
        ),
    ]
