/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session-fixture: registries on 127.0.0.1 that behave as a test says, and a session that talks to them.
 */
#pragma once

#include "peer/scope-session-private.h"

#include <libsoup/soup.h>

/* Its text has both characters that make trouble in paths: "/" and "+". */
#define KEY "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066Spj+qbTmo="
#define KEY_URL "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066Spj-qbTmo"
#define ROSTER \
  "{\"ifname\":\"wg0\",\"heartbeat\":25,\"peer\":[{\"pub\":\"TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\"}]}"
#define LIMIT_SECONDS 20

/* Runs the main loop until @condition holds. */
#define wait_for(condition) \
  do \
    { \
      gint64 limit_ = g_get_monotonic_time () + LIMIT_SECONDS * G_USEC_PER_SEC; \
      guint tick_ = g_timeout_add (2, on_tick, NULL); \
      while (!(condition)) \
        { \
          g_main_context_iteration (NULL, TRUE); \
          if (g_get_monotonic_time () > limit_) \
            g_error ("%s:%d: never: %s", __FILE__, __LINE__, #condition); \
        } \
      g_source_remove (tick_); \
    } \
  while (0)

gboolean on_tick (gpointer data);
void run_for (guint ms);

/* --- a registry ---------------------------------------------------------------------------- */

typedef enum { ANSWER, HOLD, DRIP, ENDLESS } Manner;

typedef struct {
  SoupServer *soup;
  char *url;
  const char *body;
  guint status;          /* of /get */
  guint raw_status;      /* of /get with a raw key, when it is another one */
  guint url_status;      /* of /get with a base64url key, when it is another one */
  guint socket_status;   /* of /messages, 0 to accept */
  Manner get, update;
  gboolean hold_socket;  /* no answer to /messages */
  gboolean close_socket; /* as soon as it is there */
  gboolean deaf;         /* to pings */

  guint gets, running, most_running, sockets, updates, pings;
  GPtrArray *paths;      /* "GET /get/…" */
  GPtrArray *open;       /* WebSockets */
  GPtrArray *held;       /* messages */
  gsize dripped;
} Registry;

/* @certificate: (nullable): file in tests/unit/data/tls: speak TLS */
Registry *registry_new (const char *certificate);
void registry_free (Registry *r);

/* Answers what it held back. */
void registry_release (Registry *r);

/* A text frame to the newest WebSocket. */
void registry_send (Registry *r, const char *text);

/* A GSourceFunc: lets the next byte go. */
gboolean on_drip (gpointer data);
const char *last_path (Registry *r);

/* --- what is no registry at all ------------------------------------------------------------ */

typedef enum { RAW_SILENT, RAW_CLOSE, RAW_SSH, RAW_HALF } Raw;

typedef struct {
  GSocketService *service;
  char *url;
  Raw manner;
  GPtrArray *connections;
} RawServer;

RawServer *raw_new (Raw manner);
void raw_free (RawServer *raw);

/* (transfer full): a URL where nobody listens */
char *closed_port (void);

/* --- the session --------------------------------------------------------------------------- */

typedef enum { SIGNAL_NONE, SIGNAL_ROSTER, SIGNAL_OPEN, SIGNAL_FAILED } Signal;
typedef enum { DO_STOP, DO_DROP, DO_KICK } Action;

typedef struct {
  Registry *registry; /* of the tests that need just one */
  ScopeSession *session;
  guint rosters, opened, failed;
  GError *error; /* the last one */
  Signal act_on;
  Action action;
} Fixture;

void session_test_init (int *argc, char ***argv);
void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);
ScopeSettings *settings (const char *urls, const char *ca);

/* A session that is not started yet, without pauses to speak of. Its settings go away at once: it must have
 * taken what it needs. */
void make (Fixture *f, const char *urls, const char *ca);

/* The same, with the fixture's registry, started. */
void start (Fixture *f);

/* Stops and drops the session; when the main loop has run, it must be gone with all that it had under way. */
void drop_session (Fixture *f);

/* Open, and with the second roster that follows. */
void wait_open (Fixture *f, Registry *r);
void forget_warnings (void);
