/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope-links-view: what people may want to know of links, and nothing else needs. */
#pragma once

#include "peer/scope-links.h"

/* Percent of the last probes over the direct link to @peer that were lost, 0 of a few; -1 when it is not known. */
int scope_links_loss (ScopeLinks *links, const ScopeKey *peer);

/* Whether the link's packets are carried by the registry (data/protocol.md, section 10). */
gboolean scope_links_is_carried (ScopeLinks *links, const ScopeKey *peer);

/* (element-type utf8): STUN servers that are asked. Borrowed. */
const GPtrArray *scope_links_servers (ScopeLinks *links);
