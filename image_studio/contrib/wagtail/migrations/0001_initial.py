import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("image_studio", "0004_edit_chains"),
    ]

    operations = [
        migrations.CreateModel(
            name="StudioImage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("image_model", models.CharField(max_length=200)),
                ("image_id", models.CharField(max_length=64)),
                ("title", models.CharField(blank=True, max_length=255, verbose_name="title")),
                ("sha1", models.CharField(default="", editable=False, max_length=40)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="image_studio.asset",
                        verbose_name="picture",
                    ),
                ),
            ],
            options={
                "verbose_name": "Wagtail image",
                "verbose_name_plural": "Wagtail images",
                "constraints": [
                    models.UniqueConstraint(fields=("image_model", "image_id"), name="studio_wagtail_image")
                ],
            },
        ),
        migrations.CreateModel(
            name="StudioPageUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_id", models.CharField(max_length=255)),
                ("title", models.CharField(blank=True, max_length=255, verbose_name="title")),
                (
                    "side",
                    models.CharField(
                        choices=[("live", "live"), ("hidden", "not live"), ("draft", "draft")], max_length=8
                    ),
                ),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="image_studio.asset",
                        verbose_name="picture",
                    ),
                ),
                (
                    "content_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contenttypes.contenttype"
                    ),
                ),
            ],
            options={
                "verbose_name": "Wagtail content",
                "verbose_name_plural": "Wagtail content",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("content_type", "object_id", "asset", "side"), name="studio_wagtail_page_use"
                    )
                ],
            },
        ),
    ]
