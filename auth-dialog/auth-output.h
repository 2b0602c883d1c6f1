/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-output: what goes to the agent, as the text that it reads from our standard output.
 */
#pragma once

#include "auth-dialog/auth-request.h"

/* Every secret that is known, and the questions for the agent to put: the keyfile of external-UI mode, version 2.
 * (transfer full): free with scope_secret_free() */
char *auth_output_external (const AuthRequest *request);

/* Every secret that is known: “name\nvalue\n” each, and an empty line. (transfer full): free with scope_secret_free() */
char *auth_output_legacy (const AuthRequest *request);
