"""The panel's addresses below Wagtail's admin, which lets nobody in who may not go there."""

from django.urls import path

from image_studio.contrib.wagtail import views

app_name = "image_studio_wagtail"
urlpatterns = [
    path("", views.page, name="panel"),
    path("order/", views.order, name="order"),
    path("follow/", views.follow, name="follow"),
    path("release/<uuid:asset_id>/", views.release, name="release"),
    path("use/<uuid:asset_id>/", views.use, name="use"),
    path("picture/<uuid:asset_id>/", views.picture, name="picture"),
]
