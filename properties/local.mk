# SPDX-License-Identifier: GPL-3.0-or-later
# The library that NetworkManager's programs load (no toolkit in it), and import and export as a
# convenience library for it, the tests and the fuzz target.

noinst_LTLIBRARIES += libscope-properties.la
libscope_properties_la_SOURCES = \
	properties/scope-edge-json.c properties/scope-edge-json.h \
	properties/scope-export.c properties/scope-export.h \
	properties/scope-import.c properties/scope-import.h \
	properties/scope-invite.c properties/scope-invite.h \
	properties/scope-profile.c properties/scope-profile.h \
	properties/scope-running.c properties/scope-running.h
libscope_properties_la_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS) $(JSON_CFLAGS)
libscope_properties_la_LIBADD = libscope-common.la $(LIBNM_LIBS) $(JSON_LIBS)

nmplugin_LTLIBRARIES = properties/libnm-vpn-plugin-scope.la
properties_libnm_vpn_plugin_scope_la_SOURCES = properties/scope-editor-plugin.c
properties_libnm_vpn_plugin_scope_la_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALEDIR='"$(localedir)"'
properties_libnm_vpn_plugin_scope_la_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
properties_libnm_vpn_plugin_scope_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-Wl,--version-script=$(srcdir)/properties/libnm-vpn-plugin-scope.ver
properties_libnm_vpn_plugin_scope_la_LIBADD = libscope-properties.la $(LIBNM_LIBS)
properties_libnm_vpn_plugin_scope_la_DEPENDENCIES = libscope-properties.la \
	$(srcdir)/properties/libnm-vpn-plugin-scope.ver
EXTRA_DIST += properties/libnm-vpn-plugin-scope.ver

# A plugin is loaded by its name, nobody links with it: libtool's own file would only lie there.
plugin_file = $(DESTDIR)$(nmplugindir)/libnm-vpn-plugin-scope
install-data-hook:
	rm -f $(plugin_file).la
uninstall-hook:
	rm -f $(plugin_file).so
