/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-netcheck: what was found out of the network around this machine, for people and scripts. Pure. */
#pragma once

#include "net/scope-nat.h"

typedef enum {
  CTL_UNKNOWN, /* not looked for, or it cannot be told */
  CTL_NO,
  CTL_YES,
} CtlAnswer;

/**
 * CtlFamily:
 * @local: the address that packets leave from; AF_UNSPEC when there is no way out
 * @mtu: of the way out, bytes; 0 when not known
 * @asked: servers of the family that there is a way to
 * @usec: to the fastest of them and back; -1 for none
 * @nat: what their answers make
 */
typedef struct {
  ScopeSockaddr local;
  guint mtu;
  guint asked;
  gint64 usec;
  ScopeNat nat;
  CtlAnswer hairpin;
} CtlFamily;

/**
 * CtlRegistryCheck:
 * @usec: of a question and its answer, on a connection that was there; -1 when it did not answer
 * @error: (nullable): why it did not
 * @carries: packets of WireGuard's, where no UDP gets through
 */
typedef struct {
  char *url;
  gint64 usec;
  char *error;
  CtlAnswer carries;
} CtlRegistryCheck;

void ctl_registry_check_free (CtlRegistryCheck *check);

/**
 * CtlNetcheck:
 * @nat_pmp, @upnp: whether a router here offers to map ports
 * @registries: (element-type CtlRegistryCheck)
 */
typedef struct {
  CtlFamily ip4;
  CtlFamily ip6;
  CtlAnswer nat_pmp;
  CtlAnswer upnp;
  GPtrArray *registries;
} CtlNetcheck;

/* Whether UDP gets out and back: CTL_UNKNOWN when nobody was asked. */
CtlAnswer ctl_netcheck_udp (const CtlNetcheck *check);

/* (transfer full) */
char *ctl_netcheck_format (const CtlNetcheck *check);
char *ctl_netcheck_to_json (const CtlNetcheck *check);
