/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of path-sim share: path-sim: peers, the order of events; -messages: what machines say, and how it gets there;
 * -registry; -links: links, and what happens; -look: packets.
 */
#pragma once

#include "path-sim.h"

#define REGISTRY_MIN_MS 10
#define REGISTRY_MAX_MS 60
#define SAMPLE_MS 30000

typedef enum {
  EVENT_TICK,
  EVENT_TRIED,    /* @to's link to node @from was not to be made */
  EVENT_LINK,     /* @to notices what happened to link @from */
  EVENT_MESSAGE,  /* on the link */
  EVENT_PASS,     /* in the tunnel, over relays */
  EVENT_CARRIED,  /* by the registry */
  EVENT_PUBLISH,  /* @to's record */
  EVENT_OFFLINE,
  EVENT_SESSION,  /* @to's session with the registry is there, or not */
  EVENT_SAMPLE,   /* @to's links */
  EVENT_TABLE,
} EventType;

typedef struct {
  gint64 time;
  guint64 order;
  EventType type;
  guint from;
  guint to;
  guint dest; /* of a message that is passed on */
  guint hops;
  guint32 epoch;
  ScopePathMessage *message;
} Event;

struct Sim {
  gint64 now;
  guint64 random;
  guint64 order;
  guint64 events;
  guint64 messages;
  guint64 digest;
  gboolean registry;
  GArray *heap;
  GPtrArray *nodes;
  GArray *links;
  GHashTable *by_key; /* ScopeKey* → index + 1 */
  GHashTable *by_ends;
};

gint64 sim_between (Sim *sim, gint64 min, gint64 max);
SimLink *sim_link_at (Sim *sim, guint i);
guint sim_link_index (Sim *sim, guint a, guint b);
void sim_push (Sim *sim, Event event);

/* path-sim-messages.c */
void sim_pass_on (Sim *sim, guint from, guint at, guint dest, guint hops, const ScopePathMessage *message);
gboolean sim_link_is_up (Sim *sim, guint at, guint other);

/* After each call of a machine: what it says, and when it wants to be called. */
void sim_after (Sim *sim, guint i);

/* path-sim-registry.c */
void sim_tell_member (Sim *sim, guint to, guint of);
void sim_tell_of (Sim *sim, guint of);
void sim_registry_looks (Sim *sim);
void sim_update_session (Sim *sim, guint i);
void sim_publish (Sim *sim, guint i);
void sim_on_session (Sim *sim, guint i);

/* path-sim-links.c */
void sim_update_links (Sim *sim, guint i, gboolean again);
void sim_on_link (Sim *sim, guint end, guint index);
void sim_sample (Sim *sim, guint i);
