/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of scope-member share: -member: its parts, and what is kept; -member-talk: what we and the registry say.
 */
#pragma once

#include "peer/scope-member.h"

#include "peer/scope-keys.h"
#include "peer/scope-links.h"
#include "peer/scope-observer.h"
#include "peer/scope-portmap.h"
#include "peer/scope-self.h"
#include "peer/scope-v1-session.h"
#include "tunnel/scope-forward.h"
#include "tunnel/scope-masquerade.h"

struct _ScopeMember {
  ScopeSource parent_instance;

  const ScopeSettings *settings;
  char *state;
  ScopeKey own;
  ScopeIdentity *identity;

  ScopeTrust *trust; /* NULL until a root is known */
  ScopeSelf *self;
  ScopeKeys *keys;
  ScopeObserver *observer;
  ScopeLinks *links; /* NULL with keys-only: they are somebody else's */
  ScopeV1Session *session;
  ScopeTunnel *tunnel; /* while it runs */
  ScopeForward *forward; /* while we are a relay */
  ScopeMasquerade *masquerade; /* then, too, when the profile says so */
  guint16 port;
  ScopePortmap *portmap; /* while it runs, when the profile says so */
  char *mapped;          /* where the router lets others in to us */
  char **endpoints; /* what we say of ourselves */
  char **observed;  /* where the registry says that we were seen */
  guint heartbeat;
  guint told; /* of a roster that has not come to its end */
  gboolean welcomed;  /* by this session: the roster that comes is the registry's */
  gboolean whole;     /* and has come to its end */
  gboolean pinned;
  char *met_root; /* unconfirmed */
  gboolean stopped;
  guint store_id;
  guint gather_id;
  guint tick_id;
  guint check_id;
  guint peers_id;
};

/* Seconds since 1970. */
gint64 member_now (void);

/* To the disk: now, or before long. */
gboolean member_store (ScopeMember *self);
void member_store_soon (ScopeMember *self);

/* The root that an unpinned profile has met: the connection ends with the question whether to believe it. */
void member_meet_root (ScopeMember *self, const ScopeV1Message *challenge, GError **error);

/* A roster for the engine, now or with what comes in the same moment. @arrived: it is the one that we found when we came */
void member_publish (ScopeMember *self, gboolean arrived);
void member_publish_soon (ScopeMember *self);

/* A relay forwards: our grant, or what is behind us, may be another. */
void member_follow_role (ScopeMember *self);

/* When something ends next. */
void member_plan_tick (ScopeMember *self);

/* --- scope-member-talk.c */

void member_look_at_endpoints (ScopeMember *self, const char *local);

/* Our record, when it says something new. */
void member_send_record (ScopeMember *self);

extern const ScopeV1SessionCalls member_pinned_calls;
extern const ScopeV1SessionCalls member_open_calls;
