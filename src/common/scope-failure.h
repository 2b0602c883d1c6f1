/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope-failure: where a service leaves word of why a connection did not start, or ended, and what is in it: the service
 * writes it (scope-last-error), scopectl local reads it. SCOPE_FAILURE_DIR/<uuid>.failure is a keyfile with one group.
 */
#pragma once

#define SCOPE_FAILURE_DIR "/run/nm-scope"
#define SCOPE_FAILURE_SUFFIX ".failure"
#define SCOPE_FAILURE_GROUP "failure"
#define SCOPE_FAILURE_CONNECTION "connection" /* its name */
#define SCOPE_FAILURE_NETWORK "network"
#define SCOPE_FAILURE_TIME "time"             /* seconds since 1970 */
#define SCOPE_FAILURE_KIND "kind"             /* a word for scripts */
#define SCOPE_FAILURE_MESSAGE "message"
