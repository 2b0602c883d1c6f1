/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of scope-links share: -links: who there is, and what becomes of each; -meet: making links; -talk: messages;
 * -shape: WireGuard's peers; -report: relays and the registry's table; -carry: without UDP; -quality: round trips, losses.
 */
#pragma once

#include "net/scope-mapping.h"
#include "net/scope-stun-agent.h"
#include "peer/scope-carrier.h"
#include "peer/scope-links.h"
#include "peer/scope-liveness.h"
#include "peer/scope-punch.h"
#include "peer/scope-site.h"

typedef enum {
  LINK_QUIET, /* the other end begins: no endpoint of ours */
  LINK_GIVEN, /* begin with the endpoint that the roster gives */
  LINK_FOUND, /* begin where a check was answered */
} ScopeLinkMode;

/**
 * ScopeLink:
 * @plausible: its record has an endpoint that needs no punching
 * @wanted: the liveness was told to look at it
 * @due: when punching starts unless it is up; G_MAXINT64 for never
 * @first: whether we call first then
 * @failures: of punching in a row
 * @carried: @endpoint is the carrier's
 */
typedef struct {
  ScopeLinks *links;
  ScopeKey key;
  ScopeRole role;
  gboolean online;
  gboolean plausible;
  gboolean seen;
  ScopeLinkMode mode;
  ScopeSockaddr endpoint;
  gboolean up;
  gint64 up_since;
  gboolean wanted;
  ScopePunch *punch;
  ScopePunchSelf self;
  ScopeStunCheck *check;
  char *their_id;
  gint64 due;
  gboolean first;
  guint failures;
  gboolean carried;
  gint64 lost; /* when it fell silent, 0 for never */
} ScopeLink;

struct _ScopeLinks {
  const ScopeSettings *settings;
  ScopeKey own;
  ScopeRole role;
  const ScopeLinksCalls *calls;
  gpointer data;

  GHashTable *table; /* ScopeKey → ScopeLink */
  ScopePath *path;
  ScopeTunnel *tunnel;
  ScopeLiveness *liveness;
  ScopeStunAgent *agent;
  ScopeSite *site;
  GPtrArray *servers; /* STUN, text */
  char **endpoints;
  char **observed;
  char **candidates; /* what we tell others */
  guint keepalive;
  gboolean connected;
  gboolean paused;
  gint64 offset; /* the registry's clock minus ours, ms */
  ScopeKey attachment; /* perhaps one that we are about to go to */
  ScopeKey recorded;   /* the one that our record is to have */
  gint64 slow; /* when the attachment became slow, 0 for not */
  ScopeKey exit; /* zero: none */
  guint timer_id;
  gboolean missed; /* some link was not made */
  guint report_id;
  gint64 report_at;

  ScopeCarrier *carrier;
  guint n_carried;
  gint64 looked; /* when servers were asked because a link fell silent */
  ScopeMapping mapping;
  guint silence_id; /* UDP has this long to show that it works */
  guint ask_id;     /* whether it does by now */
  guint ask_seconds;
  gint64 carry_hold;
};

gint64 scope_links_now (void);
ScopeLink *scope_links_find (ScopeLinks *links, const ScopeKey *key);

/* What the path machine wants said and done; after everything that it was told. */
void scope_links_run (ScopeLinks *links);

/* Our key is the lower one: who begins when nothing else decides. */
gboolean scope_link_is_lower (const ScopeLink *link);

/* The one timer, anew: what is due when may have changed. */
void scope_links_plan (ScopeLinks *links);

extern const ScopePunchCalls scope_link_punch_calls;

/* It is there now: whoever came later begins. */
void scope_link_begin (ScopeLink *link, gboolean newcomer);

/* Its other end says that it is no more. */
void scope_link_forget (ScopeLink *link);

/* Unless it is up. @now: the same for all that are due: what follows is then due together, too */
void scope_link_punch (ScopeLink *link, gint64 now);

/* Ready for checks, once the tunnel has its port. */
void scope_link_arm (ScopeLink *link);

/* ScopeSiteChanged */
void scope_links_on_site (gboolean settled, gpointer data);

/* Credentials and candidates of now, before anything that may say them. */
void scope_link_refresh (ScopeLink *link);

/* Hand @endpoint to WireGuard: it makes a handshake there, unless there is a session. */
void scope_link_use (ScopeLink *link, const ScopeSockaddr *endpoint);

/* Whether the NAT's mapping needs a packet, and that packet. */
void scope_links_review_mapping (ScopeLinks *links);
void scope_links_hold_mapping (ScopeLinks *links);

/* Where are we? */
void scope_links_ask_servers (ScopeLinks *links);

/* @link is silent: the router around us may have given us another port. Returns how long to wait for what the servers say, ms. */
guint scope_links_look_again (ScopeLinks *links, const ScopeLink *link);

/* To tell the registry of our links to relays: soon, or at once when there are @news. @link: (nullable): which has changed */
void scope_links_report (ScopeLinks *links, const ScopeLink *link, gboolean news);
void scope_links_take_table (ScopeLinks *links, const ScopeV1Message *message);

/* How often a link is measured, by what it is used for. */
void scope_link_measure (ScopeLink *link);
void scope_links_measure (ScopeLinks *links);

/* As ScopeLivenessCalls has them. */
void scope_links_on_down (const ScopeKey *peer, gpointer data);
void scope_links_on_slow (const ScopeKey *peer, gpointer data);

/* @other has answered: perhaps before the attachment, which had become slow. */
void scope_links_leave_slow (ScopeLinks *links, const ScopeLink *other, guint ms);
void scope_links_on_rtt (const ScopeKey *peer, guint ms, guint loss, gpointer data);

void scope_links_make_carrier (ScopeLinks *links, guint16 port);

/* @link should come up. */
void scope_links_expect_carry (ScopeLinks *links, const ScopeLink *link);
gboolean scope_links_may_stop_carry (ScopeLinks *links);
void scope_links_stop_carry (ScopeLinks *links);

typedef enum {
  SAY_ANYHOW, /* over the link when it works, else as SAY_AROUND */
  SAY_LINK,   /* nothing else */
  SAY_AROUND, /* by the registry, else by relays */
} ScopeLinksSay;

gboolean scope_links_say (ScopeLinks *links, const ScopeKey *to, const char *name, JsonObject *body, ScopeLinksSay how);

/* By relays, as packets go, or not at all. */
gboolean scope_links_say_relayed (ScopeLinks *links, const ScopeKey *to, const char *name, JsonObject *body);

#define SCOPE_LINKS_LOST "path.lost"
#define SCOPE_LINKS_BYE "path.bye"

/* To all whose link is up; and when one of them says it. */
void scope_links_say_bye (ScopeLinks *links);
void scope_links_on_bye (ScopeLinks *links, ScopeLink *link);

/* Over the link: @relay does not answer us. */
void scope_links_tell_lost (ScopeLinks *links, const ScopeKey *to, const ScopeKey *relay);

/* As a relay, to edges that are attached to it. */
void scope_links_spread_lost (ScopeLinks *links, const ScopeKey *relay);

/* ScopeChannelFunc */
void scope_links_on_message (const ScopeKey *from, const char *type, JsonObject *body, const char *text, gsize len,
                             gpointer data);

/* A message of @from, however it came; @direct: over its own link. */
void scope_links_dispatch (ScopeLinks *links, const ScopeKey *from, gboolean direct, const char *name, JsonObject *body);
