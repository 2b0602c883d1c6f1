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
properties_libnm_vpn_plugin_scope_la_SOURCES = properties/scope-editor-plugin.c \
	properties/scope-editor-load.c properties/scope-editor-load.h properties/scope-editor.h
properties_libnm_vpn_plugin_scope_la_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALEDIR='"$(localedir)"'
properties_libnm_vpn_plugin_scope_la_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
properties_libnm_vpn_plugin_scope_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-Wl,--version-script=$(srcdir)/properties/libnm-vpn-plugin-scope.ver
properties_libnm_vpn_plugin_scope_la_LIBADD = libscope-properties.la $(LIBNM_LIBS) -ldl
properties_libnm_vpn_plugin_scope_la_DEPENDENCIES = libscope-properties.la \
	$(srcdir)/properties/libnm-vpn-plugin-scope.ver
EXTRA_DIST += properties/libnm-vpn-plugin-scope.ver

# The editor, from one source for each toolkit; what needs none is a library, for its tests, too.
noinst_LTLIBRARIES += libscope-editor.la
libscope_editor_la_SOURCES = \
	properties/scope-check.c properties/scope-check.h \
	properties/scope-mnemonic.c properties/scope-mnemonic.h \
	properties/scope-model.c properties/scope-model.h
libscope_editor_la_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS) $(JSON_CFLAGS)
libscope_editor_la_LIBADD = libscope-crypto.la $(LIBNM_LIBS) $(JSON_LIBS)

editor_sources = \
	properties/scope-editor.c properties/scope-editor.h properties/scope-editor-private.h \
	properties/scope-editor-field.c \
	properties/scope-editor-keys.c \
	properties/scope-editor-registry.c \
	properties/scope-choice.c properties/scope-choice.h \
	properties/scope-gtk.c properties/scope-gtk.h
editor_cppflags = $(AM_CPPFLAGS) -DBINDIR='"$(bindir)"' -DGDK_DISABLE_DEPRECATION_WARNINGS
editor_version = $(srcdir)/properties/libnm-vpn-plugin-scope-editor.ver
editor_ldflags = $(AM_LDFLAGS) -module -avoid-version -Wl,--version-script=$(editor_version)
EXTRA_DIST += properties/libnm-vpn-plugin-scope-editor.ver \
	properties/scope-editor.gresource.xml properties/scope-editor-gtk4.gresource.xml \
	properties/scope-editor.ui properties/scope-editor-gtk4.ui

if WITH_GTK3
nmplugin_LTLIBRARIES += properties/libnm-vpn-plugin-scope-editor.la
properties_libnm_vpn_plugin_scope_editor_la_SOURCES = $(editor_sources)
nodist_properties_libnm_vpn_plugin_scope_editor_la_SOURCES = properties/scope-editor-resource.c
properties_libnm_vpn_plugin_scope_editor_la_CPPFLAGS = $(editor_cppflags)
properties_libnm_vpn_plugin_scope_editor_la_CFLAGS = $(AM_CFLAGS) $(GTK3_CFLAGS) $(NMA_CFLAGS) $(LIBNM_CFLAGS)
properties_libnm_vpn_plugin_scope_editor_la_LDFLAGS = $(editor_ldflags)
properties_libnm_vpn_plugin_scope_editor_la_LIBADD = libscope-editor.la $(GTK3_LIBS) $(NMA_LIBS) $(LIBNM_LIBS)
properties_libnm_vpn_plugin_scope_editor_la_DEPENDENCIES = libscope-editor.la $(editor_version)
endif

if WITH_GTK4
nmplugin_LTLIBRARIES += properties/libnm-gtk4-vpn-plugin-scope-editor.la
properties_libnm_gtk4_vpn_plugin_scope_editor_la_SOURCES = $(editor_sources)
nodist_properties_libnm_gtk4_vpn_plugin_scope_editor_la_SOURCES = properties/scope-editor-gtk4-resource.c
properties_libnm_gtk4_vpn_plugin_scope_editor_la_CPPFLAGS = $(editor_cppflags)
properties_libnm_gtk4_vpn_plugin_scope_editor_la_CFLAGS = $(AM_CFLAGS) $(GTK4_CFLAGS) $(NMA_GTK4_CFLAGS) $(LIBNM_CFLAGS)
properties_libnm_gtk4_vpn_plugin_scope_editor_la_LDFLAGS = $(editor_ldflags)
properties_libnm_gtk4_vpn_plugin_scope_editor_la_LIBADD = libscope-editor.la $(GTK4_LIBS) $(NMA_GTK4_LIBS) $(LIBNM_LIBS)
properties_libnm_gtk4_vpn_plugin_scope_editor_la_DEPENDENCIES = libscope-editor.la $(editor_version)
endif

CLEANFILES += properties/scope-editor-resource.c properties/scope-editor-gtk4-resource.c
compile_resource = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(GLIB_COMPILE_RESOURCES) --sourcedir=$(srcdir)/properties --generate-source \
	--internal --c-name=scope_editor --target=$@

properties/scope-editor-resource.c: properties/scope-editor.gresource.xml properties/scope-editor.ui
	$(compile_resource) $(srcdir)/properties/scope-editor.gresource.xml
properties/scope-editor-gtk4-resource.c: properties/scope-editor-gtk4.gresource.xml properties/scope-editor-gtk4.ui
	$(compile_resource) $(srcdir)/properties/scope-editor-gtk4.gresource.xml

# For who changes scope-editor.ui: the other one follows. tests/desktop/test-editor sees to it that it did.
gtk4-ui:
	{ echo '<?xml version="1.0" encoding="UTF-8"?>'; \
	  echo '<!-- SPDX-License-Identifier: GPL-3.0-or-later -->'; \
	  echo '<!-- Made of scope-editor.ui by “make gtk4-ui”: change that one. -->'; \
	  gtk4-builder-tool simplify --3to4 $(srcdir)/properties/scope-editor.ui | sed 1d; } \
	  >properties/scope-editor-gtk4.ui.tmp && mv properties/scope-editor-gtk4.ui.tmp $(srcdir)/properties/scope-editor-gtk4.ui
.PHONY: gtk4-ui

# A plugin is loaded by its name, nobody links with it: libtool's own files would only lie there.
plugin_files = libnm-vpn-plugin-scope libnm-vpn-plugin-scope-editor libnm-gtk4-vpn-plugin-scope-editor
install-data-hook:
	for file in $(plugin_files); do rm -f "$(DESTDIR)$(nmplugindir)/$$file.la"; done
uninstall-hook: uninstall-doc-dirs
	for file in $(plugin_files); do rm -f "$(DESTDIR)$(nmplugindir)/$$file.so"; done
