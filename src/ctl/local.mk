# SPDX-License-Identifier: GPL-3.0-or-later
# The administrator's tool: one file for each verb (scopectl-*.c), and what they share (ctl-*.c).

bin_PROGRAMS += src/ctl/scopectl
src_ctl_scopectl_SOURCES = \
	src/ctl/scopectl.c src/ctl/scopectl.h \
	src/ctl/scopectl-export.c \
	src/ctl/scopectl-grant.c \
	src/ctl/scopectl-invite.c \
	src/ctl/scopectl-keygen.c \
	src/ctl/scopectl-kill.c \
	src/ctl/scopectl-local.c \
	src/ctl/scopectl-netcheck.c \
	src/ctl/scopectl-network.c \
	src/ctl/scopectl-networks.c \
	src/ctl/scopectl-peers.c \
	src/ctl/scopectl-ping.c \
	src/ctl/scopectl-revoke.c \
	src/ctl/scopectl-rotate.c \
	src/ctl/scopectl-status.c
src_ctl_scopectl_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALEDIR='"$(localedir)"'
src_ctl_scopectl_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
src_ctl_scopectl_LDADD = libscope-ctl.la $(JSON_LIBS) $(GLIB_LIBS)

noinst_LTLIBRARIES += libscope-ctl.la
libscope_ctl_la_SOURCES = \
	src/ctl/ctl-echo.c src/ctl/ctl-echo.h \
	src/ctl/ctl-failure.c src/ctl/ctl-failure.h \
	src/ctl/ctl-file.c src/ctl/ctl-file.h \
	src/ctl/ctl-keyring.c src/ctl/ctl-keyring.h \
	src/ctl/ctl-local.c src/ctl/ctl-local.h \
	src/ctl/ctl-netcheck.c src/ctl/ctl-netcheck.h \
	src/ctl/ctl-options.c src/ctl/ctl-options.h \
	src/ctl/ctl-paths.c src/ctl/ctl-paths.h \
	src/ctl/ctl-qr.c src/ctl/ctl-qr.h \
	src/ctl/ctl-registry.c src/ctl/ctl-registry.h \
	src/ctl/ctl-registry-check.c src/ctl/ctl-registry-check.h \
	src/ctl/ctl-root.c src/ctl/ctl-root.h \
	src/ctl/ctl-roster.c src/ctl/ctl-roster.h \
	src/ctl/ctl-router.c src/ctl/ctl-router.h \
	src/ctl/ctl-service.c src/ctl/ctl-service.h \
	src/ctl/ctl-stun.c src/ctl/ctl-stun.h \
	src/ctl/ctl-table.c src/ctl/ctl-table.h \
	src/ctl/ctl-terminal.c src/ctl/ctl-terminal.h
libscope_ctl_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(SOUP_CFLAGS) $(LIBSECRET_CFLAGS) $(QRENCODE_CFLAGS)
libscope_ctl_la_LIBADD = libscope-net.la libscope-path.la libscope-wire.la libscope-crypto.la libscope-common.la \
	$(SOUP_LIBS) $(JSON_LIBS) $(LIBSECRET_LIBS) $(QRENCODE_LIBS)
