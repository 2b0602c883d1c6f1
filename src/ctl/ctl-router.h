/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-router: whether the router of the default route offers to map ports. It is asked, and nothing is opened. */
#pragma once

#include "ctl/ctl-netcheck.h"

/* NAT-PMP (RFC 6886) at the gateway; CTL_UNKNOWN when there is none. Waits 0.75 s at most. */
CtlAnswer ctl_router_nat_pmp (void);

/* Any UPnP internet gateway that answers a search on the LAN. Waits 1 s at most. */
CtlAnswer ctl_router_upnp (void);
