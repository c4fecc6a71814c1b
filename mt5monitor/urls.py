"""The pages of the site."""

from django.contrib import admin
from django.urls import include, path

from accounts.views.sessions import sign_in_to_admin
from mt5monitor.icon import icon

urlpatterns = [
    path("admin/login/", sign_in_to_admin),
    path("admin/", admin.site.urls),
    path("favicon.ico", icon, name="icon"),
    path("", include("accounts.urls")),
    path("", include("trading.urls")),
]
