/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * path-sim: a world for src/path/scope-path.c in virtual time: peers, links with latency and loss, liveness that notices late,
 * a registry that carries messages, publishes attachments, tiers and latencies, partitions. Packets go hop by hop with
 * WireGuard's filter. The same seed gives the same world.
 */
#pragma once

#include "path/scope-path.h"

#define SIM_DETECT_MIN_MS 300 /* liveness: design 6 */
#define SIM_DETECT_MAX_MS 1500
#define SIM_CONNECT_MIN_MS 50
#define SIM_CONNECT_MAX_MS 500
#define SIM_MAX_HOPS 6

typedef struct Sim Sim;

typedef struct {
  guint a, b;
  gboolean cut;
  guint rtt;
  guint loss;        /* per cent */
  gboolean works;    /* physically */
  gboolean up[2];    /* as the ends have noticed */
  guint32 epoch;
  guint published;   /* ms in the table; 0: not there */
  gint64 differs_since;
} SimLink;

typedef struct {
  ScopePath *path;
  ScopeKey key;
  ScopeRole role;
  gboolean alive;
  guint32 life;
  guint group;         /* of those that the underlay connects; the registry is in 0 */
  gboolean connected;  /* to the registry */
  gboolean pipe;       /* as published */
  gboolean online;     /* as published */
  ScopeKey attachment; /* as published */
  guint64 sequence;    /* as published */
  gboolean forced; /* to be one */
  gint64 poor_since;
  gint64 touched;      /* something on which its ways depend changed */
  gint64 tick_at;
  GArray *links;       /* indices */
  GArray *knows;       /* nodes */
  GArray *known_by;
} SimNode;

typedef enum {
  SIM_ARRIVED,
  SIM_NO_WAY,   /* somebody has no next hop */
  SIM_DEAD,     /* handed to a link that does not work */
  SIM_FILTERED, /* WireGuard takes it only from somebody else */
  SIM_LOOP,
} SimFate;

Sim *sim_new (guint64 seed);
void sim_free (Sim *sim);

guint64 sim_random (Sim *sim, guint64 below);
gint64 sim_now (Sim *sim);
guint sim_size (Sim *sim);
SimNode *sim_node (Sim *sim, guint i);
guint sim_find (Sim *sim, const ScopeKey *key); /* G_MAXUINT: nobody */
guint64 sim_events (Sim *sim);
guint64 sim_messages (Sim *sim);
guint64 sim_digest (Sim *sim);

/* Building it: nodes, links, who is in whose roster. */
guint sim_add (Sim *sim, ScopeRole role);
SimLink *sim_link (Sim *sim, guint a, guint b, guint rtt, guint loss); /* valid until the next one */
guint sim_other (Sim *sim, guint link, guint i); /* the other end of it */
SimLink *sim_find_link (Sim *sim, guint a, guint b);
void sim_knows (Sim *sim, guint a, guint b); /* a has b in its roster */
void sim_start (Sim *sim);                   /* everybody begins */

/* What happens to it. */
void sim_kill (Sim *sim, guint i);
void sim_leave (Sim *sim, guint i); /* with a goodbye */
void sim_revive (Sim *sim, guint i);
void sim_cut (Sim *sim, guint a, guint b, gboolean cut);
void sim_group (Sim *sim, guint i, guint group);
void sim_set_rtt (Sim *sim, guint a, guint b, guint rtt);
void sim_pipe (Sim *sim, guint i); /* and it stays one */
void sim_registry (Sim *sim, gboolean up);
void sim_prefer (Sim *sim, guint edge, guint relay); /* G_MAXUINT: none; in this life */

void sim_run_until (Sim *sim, gint64 time);

/* One packet now, through the tables as they are. @hops: (out) (optional): how many links it took */
SimFate sim_packet (Sim *sim, guint from, guint to, guint *hops);

/* Whether section 9 has a way between them over the links that work, with the attachments as they are. */
gboolean sim_has_way (Sim *sim, guint from, guint to);

/* When something last happened that their ways depend on. */
gint64 sim_touched (Sim *sim, guint from, guint to);

extern gboolean sim_verbose;
