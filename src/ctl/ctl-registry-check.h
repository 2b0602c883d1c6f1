/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-registry-check: whether a registry answers, how fast, and whether it carries packets (data/protocol.md, section 10). */
#pragma once

#include "ctl/ctl-netcheck.h"

/**
 * ctl_registry_check_run:
 * @url: its base URL
 * @network: (nullable): a network's name there; without one it is not known whether it carries
 * @ca: (nullable): PEM file
 *
 * Waits, 10 s at most for each question.
 *
 * Returns: (transfer full): what was found; it has what went wrong in it
 */
CtlRegistryCheck *ctl_registry_check_run (const char *url, const char *network, const char *ca);
