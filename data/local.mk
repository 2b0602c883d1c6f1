# SPDX-License-Identifier: GPL-3.0-or-later

# The registry
dist_man_MANS = data/man/scope-registry.8 data/man/scope-registry.json.5
nodist_systemdunit_DATA = data/scope-registry.service
examplesdir = $(docdir)/examples
dist_examples_DATA = data/examples/registry.json
EXTRA_DIST += data/scope-registry.service.in
CLEANFILES += data/scope-registry.service

data/%.service: data/%.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) data && sed -e 's,@bindir\@,$(bindir),g' -e 's,@sysconfdir\@,$(sysconfdir),g' $< > $@.tmp && mv $@.tmp $@
