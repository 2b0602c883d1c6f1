/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-secret-service: whether this session has a Secret Service, a keyring, to ask. */
#pragma once

#include <glib.h>

/* Running or to be started; finding out starts nothing, no bus either. Blocks for 5 s at most. */
gboolean scope_secret_service_there (void);
