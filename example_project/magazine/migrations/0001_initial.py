# The magazine's one table.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("image_studio", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
                ("slug", models.SlugField(unique=True)),
                ("kicker", models.CharField(blank=True, max_length=60)),
                ("standfirst", models.TextField(blank=True)),
                ("body", models.TextField(blank=True, help_text="Paragraphs, divided by an empty line.")),
                (
                    "locale",
                    models.CharField(choices=[("en", "English"), ("ar", "العربية")], default="en", max_length=10),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "card",
                    models.ForeignKey(
                        blank=True,
                        limit_choices_to={"state": "published"},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="image_studio.asset",
                    ),
                ),
                (
                    "picture",
                    models.ForeignKey(
                        blank=True,
                        limit_choices_to={"state": "published"},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="image_studio.asset",
                    ),
                ),
            ],
            options={
                "ordering": ("position", "pk"),
            },
        ),
    ]
