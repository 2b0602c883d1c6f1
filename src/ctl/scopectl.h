/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scopectl: the table of verbs; each is a file of its own. */
#pragma once

#include <glib.h>

/**
 * ScopectlVerb:
 * @arguments: (translatable): what stands behind the verb, as --help shows it
 * @summary: (translatable): one line
 * @run: argv[0] is the verb; returns a CtlExit
 */
typedef struct {
  const char *name;
  const char *arguments;
  const char *summary;
  int (*run) (int argc, char **argv);
} ScopectlVerb;

int scopectl_export (int argc, char **argv);
int scopectl_grant (int argc, char **argv);
int scopectl_invite (int argc, char **argv);
int scopectl_keygen (int argc, char **argv);
int scopectl_kill (int argc, char **argv);
int scopectl_local (int argc, char **argv);
int scopectl_netcheck (int argc, char **argv);
int scopectl_network (int argc, char **argv);
int scopectl_networks (int argc, char **argv);
int scopectl_peers (int argc, char **argv);
int scopectl_ping (int argc, char **argv);
int scopectl_revoke (int argc, char **argv);
int scopectl_rotate (int argc, char **argv);
int scopectl_status (int argc, char **argv);
