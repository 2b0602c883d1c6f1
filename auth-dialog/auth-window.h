/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth-window: asks a person for what an AuthRequest asks for, with GTK. OK is possible only when every field is good.
 */
#pragma once

#include "auth-dialog/auth-request.h"

/* Whether there is a display. */
gboolean auth_window_init (void);

/* Shows it until the person, or QUIT on the standard input, ends it. TRUE: all is answered, and in @request. */
gboolean auth_window_run (AuthRequest *request);
