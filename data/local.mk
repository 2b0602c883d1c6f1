# SPDX-License-Identifier: GPL-3.0-or-later

# What NetworkManager and the system bus read; directories are expanded when make runs, so that
# ${prefix} and DESTDIR work.
dist_dbuspolicy_DATA = data/nm-scope-service.conf
nmvpn_DATA = data/nm-scope-service.name
nmdispatcher_SCRIPTS = data/90-nm-scope
CLEANFILES += data/nm-scope-service.name data/90-nm-scope
EXTRA_DIST += data/nm-scope-service.name.in data/90-nm-scope.in

substitute = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	-e 's,[@]bindir@,$(bindir),g' \
	-e 's,[@]libexecdir@,$(libexecdir),g' \
	-e 's,[@]localstatedir@,$(localstatedir),g' \
	-e 's,[@]sysconfdir@,$(sysconfdir),g' \
	-e 's,[@]nmplugindir@,$(nmplugindir),g'

data/nm-scope-service.name: data/nm-scope-service.name.in Makefile
	$(substitute) $(srcdir)/data/nm-scope-service.name.in >$@.tmp && mv $@.tmp $@
data/90-nm-scope: data/90-nm-scope.in Makefile
	$(substitute) $(srcdir)/data/90-nm-scope.in >$@.tmp && chmod +x $@.tmp && mv $@.tmp $@

scopeexamplesdir = $(docdir)/examples
dist_scopeexamples_DATA = data/examples/edge.json data/examples/office.scope data/examples/registry.json \
	data/examples/functions.sh data/examples/network.json
dist_scopeexamples_SCRIPTS = data/examples/star data/examples/mesh data/examples/relays

# Where README.md beside it expects it
docpicturedir = $(docdir)/data
dist_docpicture_DATA = data/mesh.svg data/editor.png data/protocol.md

dist_man_MANS = data/man/nm-scope-auth-dialog.8 data/man/nm-scope-service.8 \
	data/man/scope-registry.8 data/man/scope-registry.json.5 data/man/scopectl.1

# What a software centre shows, icons, and what a .scope file is
metainfodir = $(datadir)/metainfo
metainfo_DATA = data/org.freedesktop.networkmanager.scope.metainfo.xml
CLEANFILES += data/org.freedesktop.networkmanager.scope.metainfo.xml
EXTRA_DIST += data/org.freedesktop.networkmanager.scope.metainfo.xml.in
appicondir = $(datadir)/icons/hicolor/scalable/apps
dist_appicon_DATA = data/icons/org.freedesktop.NetworkManager.scope.svg
symbolicicondir = $(datadir)/icons/hicolor/symbolic/apps
dist_symbolicicon_DATA = data/icons/org.freedesktop.NetworkManager.scope-symbolic.svg
mimedir = $(datadir)/mime/packages
dist_mime_DATA = data/org.freedesktop.networkmanager.scope.mime.xml

catalogs = $(wildcard $(srcdir)/po/*.po)

data/org.freedesktop.networkmanager.scope.metainfo.xml: data/org.freedesktop.networkmanager.scope.metainfo.xml.in \
		$(catalogs) $(srcdir)/po/LINGUAS
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(MSGFMT) --xml -d $(srcdir)/po \
		--template=$(srcdir)/data/org.freedesktop.networkmanager.scope.metainfo.xml.in -o $@.tmp && mv $@.tmp $@

# Names, kinds of values, limits and descriptions of settings are the table's.
man_MANS = data/man/nm-settings-scope.5
CLEANFILES += data/man/nm-settings-scope.5
EXTRA_DIST += data/man/nm-settings-scope.5.in

noinst_PROGRAMS += src/common/make-settings-page
src_common_make_settings_page_SOURCES = src/common/make-settings-page.c
src_common_make_settings_page_LDADD = libscope-common.la

data/man/nm-settings-scope.5: data/man/nm-settings-scope.5.in src/common/make-settings-page$(EXEEXT) Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && src/common/make-settings-page$(EXEEXT) $(srcdir)/data/man/nm-settings-scope.5.in >$@.all && \
		sed 's,[@]docdir@,$(docdir),' $@.all >$@.tmp && rm $@.all && mv $@.tmp $@

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = data/completions/scopectl data/completions/scope-registry
dist_zshcompletion_DATA = data/completions/zsh/_scopectl data/completions/zsh/_scope-registry
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = data/completions/fish/scopectl.fish data/completions/fish/scope-registry.fish

# The registry
nodist_systemdunit_DATA = data/scope-registry.service
CLEANFILES += data/scope-registry.service
EXTRA_DIST += data/scope-registry.service.in

data/scope-registry.service: data/scope-registry.service.in Makefile
	$(substitute) $(srcdir)/data/scope-registry.service.in >$@.tmp && mv $@.tmp $@

# Automake removes files only; the hook in properties/local.mk is the one that there can be.
uninstall-doc-dirs:
	for dir in $(scopeexamplesdir) $(docpicturedir) $(docdir); do rmdir "$(DESTDIR)$$dir" 2>/dev/null || :; done
.PHONY: uninstall-doc-dirs
