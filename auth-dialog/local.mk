# SPDX-License-Identifier: GPL-3.0-or-later
# What agents start to ask for secrets. Its pure half is a convenience library for the tests.

noinst_LTLIBRARIES += libscope-auth.la
libscope_auth_la_SOURCES = \
	auth-dialog/auth-output.c auth-dialog/auth-output.h \
	auth-dialog/auth-request.c auth-dialog/auth-request.h
libscope_auth_la_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS)
libscope_auth_la_LIBADD = libscope-common.la $(LIBNM_LIBS) $(GLIB_LIBS)

libexec_PROGRAMS += auth-dialog/nm-scope-auth-dialog
auth_dialog_nm_scope_auth_dialog_SOURCES = \
	auth-dialog/auth-keyring.c auth-dialog/auth-keyring.h \
	auth-dialog/auth-quit.c auth-dialog/auth-quit.h \
	auth-dialog/nm-scope-auth-dialog.c
auth_dialog_nm_scope_auth_dialog_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALEDIR='"$(localedir)"'
auth_dialog_nm_scope_auth_dialog_CFLAGS = $(AM_CFLAGS) $(LIBNM_CFLAGS) $(LIBSECRET_CFLAGS)
auth_dialog_nm_scope_auth_dialog_LDADD = libscope-auth.la $(LIBNM_LIBS) $(LIBSECRET_LIBS)
if WITH_GTK3
auth_dialog_nm_scope_auth_dialog_SOURCES += auth-dialog/auth-window.c auth-dialog/auth-window.h
auth_dialog_nm_scope_auth_dialog_CFLAGS += $(GTK3_CFLAGS)
auth_dialog_nm_scope_auth_dialog_LDADD += $(GTK3_LIBS)
endif
