"""The pages of the site."""

from django.contrib import admin
from django.urls import include, path, re_path

from accounts.views.security import change_own_password
from accounts.views.sessions import sign_in_to_admin
from mt5monitor.api.site import nothing_here
from mt5monitor.api.site import urls as api_urls
from mt5monitor.icon import icon

handler500 = "mt5monitor.failed.failed"
urlpatterns = [
    path("admin/login/", sign_in_to_admin),
    path("admin/password_change/", admin.site.admin_view(change_own_password)),
    path("admin/", admin.site.urls),
    re_path("^api/(?P<rest>)$", nothing_here),
    path("api/", api_urls),
    re_path("^api/(?P<rest>.*)$", nothing_here),
    path("favicon.ico", icon, name="icon"),
    path("", include("accounts.urls")),
    path("", include("trading.urls")),
]
