# SPDX-License-Identifier: GPL-3.0-or-later

noinst_LTLIBRARIES += libscope-registry.la

libscope_registry_la_SOURCES = \
	src/registry/registry-addresses.c src/registry/registry-addresses.h \
	src/registry/registry-admission.c src/registry/registry-admission.h \
	src/registry/registry-answer.c src/registry/registry-answer.h \
	src/registry/registry-carry.c src/registry/registry-carry.h src/registry/registry-carry-private.h \
	src/registry/registry-carry-link.c \
	src/registry/registry-carry-target.c src/registry/registry-carry-target.h \
	src/registry/registry-config.c src/registry/registry-config.h \
	src/registry/registry-connection.c src/registry/registry-listener-private.h \
	src/registry/registry-config-stun.c src/registry/registry-config-networks.c src/registry/registry-config-private.h \
	src/registry/registry-detail.c src/registry/registry-detail.h \
	src/registry/registry-frame.c src/registry/registry-frame.h \
	src/registry/registry-hub.c src/registry/registry-hub.h \
	src/registry/registry-limits.c src/registry/registry-limits.h \
	src/registry/registry-listener.c src/registry/registry-listener.h \
	src/registry/registry-members.c src/registry/registry-members.h \
	src/registry/registry-mesh.c src/registry/registry-mesh.h \
	src/registry/registry-mesh-members.c src/registry/registry-mesh-private.h \
	src/registry/registry-mesh-restore.c src/registry/registry-mesh-root.c \
	src/registry/registry-messages.c src/registry/registry-messages.h \
	src/registry/registry-network.c src/registry/registry-network.h \
	src/registry/registry-network-file.c \
	src/registry/registry-observed.c src/registry/registry-observed.h \
	src/registry/registry-parse.c src/registry/registry-parse.h \
	src/registry/registry-paths.c src/registry/registry-paths.h \
	src/registry/registry-path.c src/registry/registry-path.h \
	src/registry/registry-publish.c src/registry/registry-publish.h \
	src/registry/registry-server.c src/registry/registry-server.h \
	src/registry/registry-server-private.h src/registry/registry-server-upgrade.c \
	src/registry/registry-store.c src/registry/registry-store.h \
	src/registry/registry-store-members.c src/registry/registry-store-network.c \
	src/registry/registry-store-private.h src/registry/registry-store-statements.c \
	src/registry/registry-stun.c src/registry/registry-stun.h \
	src/registry/registry-v1.c src/registry/registry-v1.h \
	src/registry/registry-v1-http.c src/registry/registry-v1-http.h \
	src/registry/registry-v1-messages.c src/registry/registry-v1-session-private.h \
	src/registry/registry-v1-session.c src/registry/registry-v1-session.h \
	src/registry/registry-verbs.c src/registry/registry-verbs.h
libscope_registry_la_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS) $(SQLITE_CFLAGS)
libscope_registry_la_LIBADD = libscope-path.la libscope-net.la libscope-wire.la libscope-tunnel.la libscope-common.la $(SOUP_LIBS) $(JSON_LIBS) \
	$(SQLITE_LIBS) -lm

bin_PROGRAMS += src/registry/scope-registry

src_registry_scope_registry_SOURCES = src/registry/scope-registry.c
src_registry_scope_registry_CFLAGS = $(AM_CFLAGS) $(SOUP_CFLAGS) $(JSON_CFLAGS) $(SYSTEMD_CFLAGS)
src_registry_scope_registry_LDADD = libscope-registry.la $(SYSTEMD_LIBS)
