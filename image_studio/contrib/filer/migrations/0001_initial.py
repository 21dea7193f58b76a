import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("filer", "0018_alter_file_options"),
        ("image_studio", "0004_edit_chains"),
    ]

    operations = [
        migrations.CreateModel(
            name="FiledPicture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveIntegerField(default=0, editable=False)),
                ("written", models.JSONField(default=dict, editable=False)),
                ("sha1", models.CharField(default="", editable=False, max_length=40)),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
                (
                    "file",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="filer.file",
                        verbose_name="file",
                    ),
                ),
            ],
            options={
                "verbose_name": "filed picture",
                "verbose_name_plural": "filed pictures",
                "ordering": ("asset", "place"),
                "constraints": [models.UniqueConstraint(fields=("asset", "place"), name="studio_filed_place")],
            },
        ),
    ]
