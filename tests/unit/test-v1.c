/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The messages of a v1 session (data/protocol.md, section 5), to and from text. */
#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "wire/scope-v1-private.h"

#include <string.h>

#define KEY_A "iE7eXvWcPUo2u8tT8lGTqbA/Yo2hCYOyOWsDBG0xVnA="
#define KEY_B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define LOW "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\""
#define KEYS "\"" KEY_A "\",\"" KEY_B "\""
#define BYTES_32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define JWS "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"a\",\"signature\":\"b\"},{\"protected\":\"c\",\"signature\":\"d\"}]}"
#define ENTRY_A                                                                                                       \
  "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"record\":null,\"kex\":null,\"online\":false,\"seen\":0,"                \
  "\"observed\":[],\"tier\":\"relay\"}"
#define ENTRY_B                                                                                                       \
  "{\"key\":\"" KEY_B "\",\"grant\":" JWS ",\"record\":" JWS ",\"kex\":" JWS ",\"online\":true,\"seen\":1700000000001," \
  "\"observed\":[\"192.0.2.7:51820\",\"[2001:db8::1]:1\",\"relay.example:7\"],\"tier\":\"pipe\"}"

/* @identity@ in a text stands for an identity: nobody wants to read 2679 characters. */
static char *
expand (const char *text)
{
  g_autofree char *identity = g_strnfill (SCOPE_BASE64_CHARS (SCOPE_IDENTITY_PUBLIC_LEN), 'A');
  g_autoptr (GString) out = g_string_new (text);

  g_string_replace (out, "@identity@", identity, 0);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static ScopeV1Message *
parse (const char *text)
{
  g_autofree char *full = expand (text);
  g_autoptr (GError) error = NULL;
  ScopeV1Message *message = scope_v1_parse (full, strlen (full), SCOPE_V1_TO_PEER_MAX, NULL, &error);

  g_assert_no_error (error);
  return message;
}

/* As our side writes it: what is parsed and formatted again is the same text. */
static const struct {
  ScopeV1Type type;
  const char *text;
} canonical[] = {
  { SCOPE_V1_CHALLENGE, "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"network\":\"home\",\"time\":1700000000000,\"root\":\"@identity@\"}}" },
  { SCOPE_V1_HELLO, "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS "}}" },
  { SCOPE_V1_HELLO, "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"token\":\"" BYTES_32 "\",\"grant\":" JWS
                    ",\"record\":" JWS ",\"kex\":" JWS ",\"generation\":\"g\",\"since\":41}}" },
  { SCOPE_V1_WELCOME, "{\"t\":\"welcome\",\"d\":{\"grant\":" JWS ",\"delegations\":[],\"revocation\":null,\"kill\":null,\"time\":1,"
                      "\"generation\":\"g\",\"revision\":57,\"heartbeat\":20,\"epochSeconds\":3600}}" },
  { SCOPE_V1_WELCOME, "{\"t\":\"welcome\",\"d\":{\"grant\":" JWS ",\"delegations\":[" JWS "," JWS "],\"revocation\":" JWS ",\"kill\":" JWS
                      ",\"time\":1,\"generation\":\"g\",\"revision\":9007199254740992,\"heartbeat\":65535,\"epochSeconds\":604800}}" },
  { SCOPE_V1_ROSTER, "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[]}}" },
  { SCOPE_V1_ROSTER, "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":41,\"more\":true,\"peers\":[" ENTRY_A "," ENTRY_B
                     "],\"gone\":[\"" KEY_A "\",\"" KEY_B "\"]}}" },
  { SCOPE_V1_JOIN, "{\"t\":\"join\",\"d\":{\"revision\":58,\"peer\":" ENTRY_B "}}" },
  { SCOPE_V1_MOVE, "{\"t\":\"move\",\"d\":{\"revision\":58,\"peer\":" ENTRY_A "}}" },
  { SCOPE_V1_LEAVE, "{\"t\":\"leave\",\"d\":{}}" },
  { SCOPE_V1_LEAVE, "{\"t\":\"leave\",\"d\":{\"revision\":59,\"key\":\"" KEY_A "\",\"seen\":1}}" },
  { SCOPE_V1_GONE, "{\"t\":\"gone\",\"d\":{\"revision\":60,\"key\":\"" KEY_A "\"}}" },
  { SCOPE_V1_GRANT, "{\"t\":\"grant\",\"d\":{\"grant\":" JWS ",\"delegations\":[" JWS "]}}" },
  { SCOPE_V1_REVOCATION, "{\"t\":\"revocation\",\"d\":{\"revocation\":" JWS "}}" },
  { SCOPE_V1_KILL, "{\"t\":\"kill\",\"d\":{\"kill\":" JWS "}}" },
  { SCOPE_V1_RECORD, "{\"t\":\"record\",\"d\":{\"record\":" JWS "}}" },
  { SCOPE_V1_KEX_KEY, "{\"t\":\"kex.key\",\"d\":{\"kex\":" JWS "}}" },
  { SCOPE_V1_KEX_KEY, "{\"t\":\"kex.key\",\"d\":{\"from\":\"" KEY_A "\",\"kex\":" JWS "}}" },
  { SCOPE_V1_KEX_STATE, "{\"t\":\"kex.state\",\"d\":{\"epoch\":472222,\"hasKeyBroadcast\":true,\"peers\":{}}}" },
  { SCOPE_V1_KEX_STATE, "{\"t\":\"kex.state\",\"d\":{\"epoch\":472222,\"hasKeyBroadcast\":false,\"peers\":{\"" KEY_A "\":[0,0],\"" KEY_B "\":[2,3]}}}" },
  { SCOPE_V1_KEX, "{\"t\":\"kex.ct\",\"d\":{\"to\":\"" KEY_A "\",\"kex\":" JWS ",\"z\":[1,\"é\"],\"a\":null}}" },
  { SCOPE_V1_KEX, "{\"t\":\"kex.new\",\"d\":{\"from\":\"" KEY_A "\"}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{\"observed\":{\"" KEY_A "\":\"192.0.2.7:51820\",\"" KEY_B "\":\"[2001:db8::1]:1\"},\"fork\":[" JWS "," JWS "]}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{\"fork\":[" JWS "," JWS "]}}" },
  { SCOPE_V1_PATH, "{\"t\":\"punch.call\",\"d\":{\"to\":\"" KEY_A "\",\"try\":0}}" },
  { SCOPE_V1_PATH, "{\"t\":\"path.pair\",\"d\":{\"from\":\"" KEY_B "\"}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{\"latency\":{}}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{\"observed\":{},\"latency\":{\"" KEY_A "\":[0,100],\"" KEY_B "\":[null,0]},\"reach\":{\"" KEY_A "\":2,\"" KEY_B "\":0},"
                     "\"fork\":[" JWS "," JWS "]}}" },
  { SCOPE_V1_REPORT, "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_B "\":[60000,3]}}}" },
  { SCOPE_V1_PATHS, "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1700000000000,\"relays\":[],\"links\":[]}}" },
  { SCOPE_V1_PATHS, "{\"t\":\"paths\",\"d\":{\"revision\":12,\"at\":1700000002000,\"relays\":[" LOW "," KEYS "],"
                    "\"links\":[[0,1,0],[0,2,60000],[1,2,17]]}}" },
  { SCOPE_V1_PING, "{\"t\":\"ping\",\"d\":{\"n\":7}}" },
  { SCOPE_V1_CARRY, "{\"t\":\"carry\",\"d\":{}}" },
  { SCOPE_V1_CARRY, "{\"t\":\"carry\",\"d\":{\"ticket\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"seconds\":60}}" },
  { SCOPE_V1_PING, "{\"t\":\"ping\",\"d\":{\"n\":7,\"time\":1700000000000}}" },
  { SCOPE_V1_ERROR, "{\"t\":\"error\",\"d\":{\"code\":\"denied\",\"message\":\"a \\\"b\\\"\"}}" },
  { SCOPE_V1_ERROR, "{\"t\":\"error\",\"d\":{\"code\":\"busy\"}}" },
  { SCOPE_V1_WELCOME, "{\"t\":\"welcome\",\"d\":{\"grant\":" JWS ",\"delegations\":[],\"revocation\":null,\"kill\":null,\"time\":1,"
                      "\"generation\":\"g\",\"revision\":57,\"heartbeat\":20,\"epochSeconds\":3600,\"stun\":[\":3478\",\"192.0.2.1:1\","
                      "\"[2001:db8::1]:3478\",\"stun.example:65535\"]}}" },
};

static void
test_round_trip (void)
{
  gboolean seen[SCOPE_V1_ERROR + 1] = { FALSE };

  for (guint i = 0; i < G_N_ELEMENTS (canonical); i++)
    {
      g_autoptr (ScopeV1Message) message = parse (canonical[i].text);
      g_autofree char *want = expand (canonical[i].text);
      g_autofree char *text = scope_v1_format (message);

      g_assert_cmpint (message->type, ==, canonical[i].type);
      g_assert_cmpstr (text, ==, want);
      seen[message->type] = TRUE;
    }
  for (guint type = SCOPE_V1_CHALLENGE; type < G_N_ELEMENTS (seen); type++)
    if (!seen[type])
      g_error ("no sample of %u", type);
}

/* Members that we do not know say nothing. */
static void
test_unknown (void)
{
  g_autoptr (ScopeV1Message) future = parse ("{\"t\":\"weather\",\"d\":\"rain\",\"x\":1}");
  g_autoptr (ScopeV1Message) ping = parse ("{\"x\":[{}],\"t\":\"ping\",\"d\":{\"x\":{\"y\":[]},\"n\":7}}");
  g_autoptr (ScopeV1Message) join =
      parse ("{\"t\":\"join\",\"d\":{\"revision\":1,\"peer\":{\"x\":1,\"key\":\"" KEY_A "\",\"grant\":" JWS "}}}");
  const ScopeV1Entry *entry = g_ptr_array_index (join->peers, 0);

  g_assert_cmpint (future->type, ==, SCOPE_V1_UNKNOWN);
  g_assert_cmpstr (future->name, ==, "weather");
  g_assert_cmpuint (ping->n, ==, 7);
  g_assert_false (entry->online || entry->seen || entry->pipe || entry->observed[0]);
}

static void
test_fields (void)
{
  g_autoptr (ScopeV1Message) roster = parse (canonical[6].text);
  g_autoptr (ScopeV1Message) state = parse (canonical[19].text);
  g_autoptr (ScopeV1Message) kex = parse (canonical[20].text);
  const ScopeV1Progress *progress;
  const ScopeV1Entry *b = g_ptr_array_index (roster->peers, 1);
  ScopeKey key_a, key_b;

  g_assert_true (scope_key_parse (&key_a, KEY_A) && scope_key_parse (&key_b, KEY_B));
  g_assert_true (roster->more);
  g_assert_cmpuint (roster->since, ==, 41);
  g_assert_cmpuint (roster->revision, ==, 57);
  g_assert_true (scope_key_equal (&b->key, &key_b));
  g_assert_cmpstr (b->record, ==, JWS);
  g_assert_true (b->online && b->pipe);
  g_assert_cmpint (b->seen, ==, 1700000000001);
  g_assert_cmpuint (g_strv_length (b->observed), ==, 3);
  g_assert_true (scope_key_equal (&g_array_index (roster->gone, ScopeKey, 1), &key_b));

  g_assert_cmpuint (state->epoch, ==, 472222);
  progress = g_hash_table_lookup (state->states, &key_b);
  g_assert_cmpuint (progress->npq, ==, 2);
  g_assert_cmpuint (progress->pq, ==, 3);

  g_assert_cmpstr (kex->name, ==, "kex.ct");
  g_assert_true (kex->has_other && scope_key_equal (&kex->other, &key_a));
  g_assert_true (json_object_has_member (kex->body, "z"));
}

static void refused (const char *text, const char *why);

static void
test_links (void)
{
  g_autoptr (ScopeV1Message) report = parse ("{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[17,3],\"" KEY_B "\":[null,100]},"
                                             "\"reach\":{\"" KEY_A "\":0,\"" KEY_B "\":1}}}");
  g_autoptr (ScopeV1Message) paths = parse ("{\"t\":\"paths\",\"d\":{\"revision\":7,\"at\":1700000000001,\"relays\":[" LOW "," KEYS "],"
                                            "\"links\":[[0,2,9],[1,2,5]]}}");
  const ScopeV1Latency *latency;
  const ScopeLatency *link;
  gpointer reach;
  ScopeKey key_a, key_b, low = { { [31] = 1 } };

  g_assert_true (scope_key_parse (&key_a, KEY_A) && scope_key_parse (&key_b, KEY_B));
  latency = g_hash_table_lookup (report->latency, &key_a);
  g_assert_cmpuint (latency->ms, ==, 17);
  g_assert_cmpuint (latency->loss, ==, 3);
  latency = g_hash_table_lookup (report->latency, &key_b);
  g_assert_cmpuint (latency->ms, ==, SCOPE_V1_UNREACHABLE);
  g_assert_cmpuint (latency->loss, ==, 100);
  g_assert_true (g_hash_table_lookup_extended (report->reach, &key_a, NULL, &reach));
  g_assert_cmpuint (GPOINTER_TO_UINT (reach), ==, SCOPE_V1_REACH_DIRECT);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (report->reach, &key_b)), ==, SCOPE_V1_REACH_RELAY);

  g_assert_cmpuint (paths->revision, ==, 7);
  g_assert_cmpint (paths->at, ==, 1700000000001);
  g_assert_cmpuint (paths->relays->len, ==, 3);
  g_assert_cmpuint (paths->links->len, ==, 2);
  link = &g_array_index (paths->links, ScopeLatency, 0);
  g_assert_true (scope_key_equal (&link->a, &low) && scope_key_equal (&link->b, &key_b) && link->ms == 9);
  link = &g_array_index (paths->links, ScopeLatency, 1);
  g_assert_true (scope_key_equal (&link->a, &key_a) && scope_key_equal (&link->b, &key_b) && link->ms == 5);
}

/* As many relays and links as may be fit in a frame, and one more does not. */
static void
test_largest_paths (void)
{
  g_autoptr (ScopeV1Message) paths = scope_v1_message_new (SCOPE_V1_PATHS);
  g_autoptr (ScopeV1Message) again = NULL;
  g_autofree char *text = NULL, *over = NULL;

  paths->revision = paths->at = SCOPE_FIELDS_INTEGER_MAX;
  paths->relays = g_array_new (FALSE, TRUE, sizeof (ScopeKey));
  paths->links = g_array_new (FALSE, FALSE, sizeof (ScopeLatency));
  g_array_set_size (paths->relays, SCOPE_V1_MAX_RELAYS);
  for (guint i = 0; i < SCOPE_V1_MAX_RELAYS; i++)
    {
      ScopeKey *key = &g_array_index (paths->relays, ScopeKey, i);

      key->bytes[0] = 1 + (i >> 8);
      key->bytes[1] = i;
    }
  /* those with the longest texts */
  for (guint i = 0; i < SCOPE_V1_MAX_RELAYS; i++)
    for (guint j = MAX (100, i + 1); i >= 100 && j < SCOPE_V1_MAX_RELAYS && paths->links->len < SCOPE_V1_MAX_LINKS; j++)
      {
        ScopeLatency link = { g_array_index (paths->relays, ScopeKey, i), g_array_index (paths->relays, ScopeKey, j), 60000 };
        g_array_append_val (paths->links, link);
      }
  g_assert_cmpuint (paths->links->len, ==, SCOPE_V1_MAX_LINKS);
  text = scope_v1_format (paths);
  g_assert_cmpuint (strlen (text), <=, SCOPE_V1_TO_PEER_MAX);
  again = parse (text);
  g_assert_cmpuint (again->links->len, ==, SCOPE_V1_MAX_LINKS);
  g_assert_true (memcmp (again->links->data, paths->links->data, SCOPE_V1_MAX_LINKS * sizeof (ScopeLatency)) == 0);

  g_array_append_val (paths->links, g_array_index (paths->links, ScopeLatency, 0));
  over = scope_v1_format (paths);
  refused (over, strlen (over) > SCOPE_V1_TO_PEER_MAX ? "bytes" : "paths.links: more than 60000 elements");
}

/* What a registry does with a message between peers: "from" instead of "to". */
static void
test_kex_carried (void)
{
  g_autoptr (ScopeV1Message) kex = parse ("{\"t\":\"kex.ct\",\"d\":{\"x\":\"a\\u0007\",\"to\":\"" KEY_A "\",\"y\":[1.5,-3]}}");
  g_autofree char *text = NULL;
  ScopeKey from;

  scope_key_parse (&from, KEY_B);
  text = scope_v1_format_kex (kex->name, kex->body, "from", &from);
  g_assert_cmpstr (text, ==, "{\"t\":\"kex.ct\",\"d\":{\"from\":\"" KEY_B "\",\"x\":\"a\\u0007\",\"y\":[1.5,-3]}}");
}

static void
test_roster_around (void)
{
  g_autoptr (ScopeV1Message) roster = parse (canonical[6].text);
  g_autoptr (GString) entries = g_string_new (NULL);
  g_autofree char *text = NULL;

  scope_v1_entry_append (roster->peers->pdata[0], entries);
  g_string_append_c (entries, ',');
  scope_v1_entry_append (roster->peers->pdata[1], entries);
  text = scope_v1_format_roster ("g", 57, 41, TRUE, entries->str, roster->gone);
  g_assert_cmpstr (text, ==, canonical[6].text);
  g_free (text);
  text = scope_v1_format_roster ("g", 57, 0, FALSE, "", NULL);
  g_assert_cmpstr (text, ==, canonical[5].text);
}

static const struct {
  const char *text, *error;
} wrong[] = {
  { "", "JSON" },
  { "[]", "object" },
  { "{}", "t: " },
  { "{\"t\":7}", "t: " },
  { "{\"t\":\"\"}", "t: " },
  { "{\"t\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "t: " },
  { "{\"t\":\"carry\",\"d\":{\"ticket\":\"AQ\",\"seconds\":60}}", "carry.ticket: " },
  { "{\"t\":\"carry\",\"d\":{\"ticket\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"seconds\":3601}}", "carry.seconds: " },
  { "{\"t\":\"ping\"}", "ping: d " },
  { "{\"t\":\"ping\",\"d\":[]}", "ping: d " },
  { "{\"t\":\"ping\",\"d\":{\"n\":1,\"n\":1}}", "same name" },
  { "{\"t\":\"ping\",\"d\":{\"n\":1},\"\\u0074\":\"ping\"}", "same name" },
  { "{\"t\":\"ping\",\"d\":{}}", "ping.n: missing" },
  { "{\"t\":\"ping\",\"d\":{\"n\":null}}", "ping.n: not an integer" },
  { "{\"t\":\"ping\",\"d\":{\"n\":\"7\"}}", "ping.n: not an integer" },
  { "{\"t\":\"ping\",\"d\":{\"n\":7.0}}", "ping.n: not an integer" },
  { "{\"t\":\"ping\",\"d\":{\"n\":-1}}", "ping.n: not from 0" },
  { "{\"t\":\"ping\",\"d\":{\"n\":9007199254740993}}", "ping.n: not from 0" },
  { "{\"t\":\"ping\",\"d\":{\"n\":-18446744073709551615}}", "too large" },
  { "{\"t\":\"ping\",\"d\":{\"n\":18446744073709551617}}", "too large" },
  { "{\"t\":\"ping\",\"d\":{\"n\":7,\"time\":true}}", "ping.time: " },

  { "{\"t\":\"challenge\",\"d\":{\"network\":\"home\",\"time\":1,\"root\":\"@identity@\"}}", "challenge.nonce: missing" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"AAAA\",\"network\":\"home\",\"time\":1,\"root\":\"@identity@\"}}", "challenge.nonce: not 32" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\",\"network\":\"home\",\"time\":1,\"root\":\"@identity@\"}}", "challenge.nonce: not 32" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"network\":\"..\",\"time\":1,\"root\":\"@identity@\"}}", "challenge.network: " },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"time\":1,\"root\":\"@identity@\"}}", "challenge.network: missing" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"network\":\"home\",\"root\":\"@identity@\"}}", "challenge.time: missing" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"network\":\"home\",\"time\":1}}", "challenge.root: missing" },
  { "{\"t\":\"challenge\",\"d\":{\"nonce\":\"" BYTES_32 "\",\"network\":\"home\",\"time\":1,\"root\":\"AAAA\"}}", "challenge.root: not 2009" },

  { "{\"t\":\"hello\",\"d\":{\"proof\":" JWS "}}", "hello.identity: missing" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@A\",\"proof\":" JWS "}}", "hello.identity: longer" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\"}}", "hello.proof: missing" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":\"x\"}}", "hello.proof: not an envelope" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":null}}", "hello.proof: not an envelope" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"token\":\"x\"}}", "hello.token: " },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"grant\":[]}}", "hello.grant: " },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"record\":[]}}", "hello.record: " },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"kex\":7}}", "hello.kex: " },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"generation\":7}}", "hello.generation: not a string" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"generation\":\"" BYTES_32 BYTES_32 "\"}}", "hello.generation: longer than 64" },
  { "{\"t\":\"hello\",\"d\":{\"identity\":\"@identity@\",\"proof\":" JWS ",\"since\":-1}}", "hello.since: " },

  { "{\"t\":\"roster\",\"d\":{\"revision\":57,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[]}}", "roster.generation: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"since\":0,\"more\":false,\"peers\":[],\"gone\":[]}}", "roster.revision: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"more\":false,\"peers\":[],\"gone\":[]}}", "roster.since: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"peers\":[],\"gone\":[]}}", "roster.more: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":0,\"peers\":[],\"gone\":[]}}", "roster.more: not true or false" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"gone\":[]}}", "roster.peers: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"peers\":{},\"gone\":[]}}", "roster.peers: not an array" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"peers\":[]}}", "roster.gone: missing" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[\"" KEY_A "\",7]}}", "roster.gone[1]: not a string" },
  { "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":57,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[\"x\"]}}", "roster.gone[0]: not a WireGuard key" },

  { "{\"t\":\"join\",\"d\":{\"peer\":" ENTRY_A "}}", "join.revision: missing" },
  { "{\"t\":\"join\",\"d\":{\"revision\":1}}", "join.peer: missing" },
  { "{\"t\":\"move\",\"d\":{\"revision\":1,\"peer\":[]}}", "move.peer: not an object" },
  { "{\"t\":\"move\",\"d\":{\"revision\":1,\"peer\":{\"key\":\"" KEY_A "\"}}}", "move.peer.grant: missing" },
  { "{\"t\":\"leave\",\"d\":{\"key\":\"" KEY_A "\",\"seen\":1}}", "leave.revision: missing" },
  { "{\"t\":\"leave\",\"d\":{\"revision\":1,\"key\":\"x\",\"seen\":1}}", "leave.key: not a WireGuard key" },
  { "{\"t\":\"leave\",\"d\":{\"revision\":1,\"key\":\"" KEY_A "\"}}", "leave.seen: missing" },
  { "{\"t\":\"gone\",\"d\":{\"key\":\"" KEY_A "\"}}", "gone.revision: missing" },
  { "{\"t\":\"gone\",\"d\":{\"revision\":1}}", "gone.key: missing" },
  /* the same key in another text */
  { "{\"t\":\"gone\",\"d\":{\"revision\":1,\"key\":\"iE7eXvWcPUo2u8tT8lGTqbA_Yo2hCYOyOWsDBG0xVnA\"}}", "gone.key: not a WireGuard key" },
  { "{\"t\":\"grant\",\"d\":{\"delegations\":[]}}", "grant.grant: missing" },
  { "{\"t\":\"grant\",\"d\":{\"grant\":" JWS "}}", "grant.delegations: missing" },
  { "{\"t\":\"grant\",\"d\":{\"grant\":" JWS ",\"delegations\":[" JWS ",7]}}", "grant.delegations[1]: not an envelope" },
  { "{\"t\":\"revocation\",\"d\":{}}", "revocation.revocation: missing" },
  { "{\"t\":\"kill\",\"d\":{}}", "kill.kill: missing" },
  { "{\"t\":\"record\",\"d\":{}}", "record.record: missing" },

  { "{\"t\":\"kex.key\",\"d\":{}}", "kex.key.kex: missing" },
  { "{\"t\":\"kex.key\",\"d\":{\"from\":\"x\",\"kex\":" JWS "}}", "kex.key.from: " },
  { "{\"t\":\"kex.ct\",\"d\":{}}", "kex.ct.from: missing" },
  { "{\"t\":\"kex.ct\",\"d\":{\"to\":\"x\"}}", "kex.ct.to: " },
  { "{\"t\":\"kex.ct\",\"d\":{\"to\":\"" KEY_A "\",\"from\":\"" KEY_B "\"}}", "kex.ct.from: there with" },
  { "{\"t\":\"kex.ct\",\"d\":{\"to\":\"" KEY_A "\",\"x\":[1e999]}}", "too large" },
  { "{\"t\":\"kex.state\",\"d\":{\"hasKeyBroadcast\":true,\"peers\":{}}}", "kex.state.epoch: missing" },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"peers\":{}}}", "kex.state.hasKeyBroadcast: missing" },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true}}", "kex.state.peers: missing" },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":[]}}", "kex.state.peers: not an object" },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"x\":[0,0]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":7}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[0]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[0,0,0]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[\"0\",0]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[3,0]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[0,4]}}}", "kex.state.peers: " },
  { "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{\"" KEY_A "\":[0,-1]}}}", "kex.state.peers: " },

  { "{\"t\":\"report\",\"d\":{\"observed\":[]}}", "report.observed: not an object" },
  { "{\"t\":\"report\",\"d\":{\"observed\":{\"x\":\"192.0.2.7:1\"}}}", "report.observed: " },
  { "{\"t\":\"report\",\"d\":{\"observed\":{\"" KEY_A "\":7}}}", "report.observed: " },
  { "{\"t\":\"report\",\"d\":{\"observed\":{\"" KEY_A "\":\"nowhere\"}}}", "report.observed: " },
  { "{\"t\":\"report\",\"d\":{\"fork\":[" JWS "]}}", "report.fork: not two" },
  { "{\"t\":\"report\",\"d\":{\"fork\":[" JWS "," JWS "," JWS "]}}", "report.fork: more than 2" },
  { "{\"t\":\"report\",\"d\":{\"fork\":[" JWS ",7]}}", "report.fork[1]: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":[]}}", "report.latency: not an object" },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"x\":[1,1]}}}", "report.latency: a name" },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":7}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1,1,1]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[-1,0]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[60001,0]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[\"1\",0]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1.5,0]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1,null]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1,101]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[1,-1]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"latency\":{\"" KEY_A "\":[[],0]}}}", "report.latency: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":7}}", "report.reach: not an object" },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"x\":1}}}", "report.reach: a name" },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":3}}}", "report.reach: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":-1}}}", "report.reach: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":null}}}", "report.reach: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":true}}}", "report.reach: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":1.0}}}", "report.reach: " },
  { "{\"t\":\"report\",\"d\":{\"reach\":{\"" KEY_A "\":[]}}}", "report.reach: " },
  { "{\"t\":\"paths\",\"d\":{\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[]}}", "paths.revision: missing" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"relays\":[" LOW "," KEYS "],\"links\":[]}}", "paths.at: missing" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":-1,\"relays\":[" LOW "," KEYS "],\"links\":[]}}", "paths.at: " },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"links\":[]}}", "paths.relays: missing" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "]}}", "paths.links: missing" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":{}}}", "paths.links: not an array" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW ",7],\"links\":[]}}", "paths.relays[1]: not a string" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[\"x\"],\"links\":[]}}", "paths.relays[0]: not a WireGuard key" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" KEYS "," LOW "],\"links\":[]}}", "paths.relays[2]: not above" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," LOW "],\"links\":[]}}", "paths.relays[1]: not above" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],7]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1,1,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[1,0,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[1,1,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,3,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[-1,1,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1,-1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1,60001]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1,null]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[\"0\",1,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1.5,1]]}}", "paths.links[1]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[],\"links\":[[0,0,1]]}}", "paths.links[0]: not [i" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,1,1],[0,1,1]]}}", "paths.links[1]: not above" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[0,2,1],[0,1,1]]}}", "paths.links[1]: not above" },
  { "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[" LOW "," KEYS "],\"links\":[[1,2,1],[0,2,1]]}}", "paths.links[1]: not above" },
  { "{\"t\":\"error\",\"d\":{\"message\":\"m\"}}", "error.code: missing" },
  { "{\"t\":\"error\",\"d\":{\"code\":\"" BYTES_32 BYTES_32 "\"}}", "error.code: longer" },
  { "{\"t\":\"error\",\"d\":{\"code\":\"c\",\"message\":7}}", "error.message: not a string" },
};

static void
refused (const char *text, const char *why)
{
  g_autofree char *full = expand (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScopeV1Message) message = scope_v1_parse (full, strlen (full), SCOPE_V1_TO_PEER_MAX, NULL, &error);

  if (message)
    g_error ("accepted, not “%s”: %.300s", why, text);
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
  if (!strstr (error->message, why))
    g_error ("“%s”, not “%s”: %.300s", error->message, why, text);
}

static void
test_wrong (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    refused (wrong[i].text, wrong[i].error);
}

/* A welcome without one of its members, or with a wrong one */
static void
test_wrong_welcome (void)
{
  static const struct {
    const char *member, *instead, *error;
  } cases[] = {
    { "\"grant\":" JWS, "\"grant\":null", "welcome.grant: not an envelope" },
    { "\"delegations\":[]", "\"x\":0", "welcome.delegations: missing" },
    { "\"delegations\":[]", "\"delegations\":[null]", "welcome.delegations[0]: not an envelope" },
    { "\"revocation\":null", "\"revocation\":7", "welcome.revocation: " },
    { "\"kill\":null", "\"kill\":7", "welcome.kill: " },
    { "\"time\":1", "\"time\":-1", "welcome.time: " },
    { "\"generation\":\"g\"", "\"x\":0", "welcome.generation: missing" },
    { "\"revision\":57", "\"x\":0", "welcome.revision: missing" },
    { "\"heartbeat\":20", "\"heartbeat\":65536", "welcome.heartbeat: " },
    { "\"heartbeat\":20", "\"x\":0", "welcome.heartbeat: missing" },
    { "\"epochSeconds\":3600", "\"epochSeconds\":0", "welcome.epochSeconds: " },
    { "\"epochSeconds\":3600", "\"epochSeconds\":604801", "welcome.epochSeconds: " },
    { "3600", "3600,\"stun\":7", "welcome.stun: " },
    { "3600", "3600,\"stun\":[7]", "welcome.stun[0]: " },
    { "3600", "3600,\"stun\":[\":1\",\"\"]", "welcome.stun[1]: not an endpoint" },
    { "3600", "3600,\"stun\":[\":0\"]", "welcome.stun[0]: not an endpoint" },
    { "3600", "3600,\"stun\":[\"3478\"]", "welcome.stun[0]: not an endpoint" },
    { "3600", "3600,\"stun\":[\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\","
              "\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\"]", "welcome.stun: " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (canonical[3].text);

      g_assert_cmpuint (g_string_replace (text, cases[i].member, cases[i].instead, 0), ==, 1);
      refused (text->str, cases[i].error);
    }
}

static void
test_stun_endpoint (void)
{
  static const char *const cases[][3] = {
    { ":3478", "r.example", "r.example:3478" },
    { ":3478", "192.0.2.1", "192.0.2.1:3478" },
    { ":1", "2001:db8::1", "[2001:db8::1]:1" },
    { "192.0.2.9:5", "r.example", "192.0.2.9:5" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *endpoint = scope_v1_stun_endpoint (cases[i][0], cases[i][1]);
      g_assert_cmpstr (endpoint, ==, cases[i][2]);
    }
}

/* One wrong entry does not cost the others. */
static void
test_skips (void)
{
  static const char *const entries[] = {
    "null",
    "7",
    "{}",
    "{\"key\":\"x\",\"grant\":" JWS "}",
    "{\"key\":\"" KEY_A "\"}",
    "{\"key\":\"" KEY_A "\",\"grant\":null}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"record\":7}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"kex\":7}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"online\":1}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"seen\":-1}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"tier\":\"odd\"}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"tier\":7}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"observed\":{}}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"observed\":[7]}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"observed\":[\"nowhere\"]}",
    "{\"key\":\"" KEY_A "\",\"grant\":" JWS ",\"observed\":[\"h:1\",\"h:2\",\"h:3\",\"h:4\",\"h:5\",\"h:6\",\"h:7\",\"h:8\","
    "\"h:9\",\"h:10\",\"h:11\",\"h:12\",\"h:13\",\"h:14\",\"h:15\",\"h:16\",\"h:17\"]}",
    "{\"key\":\"" KEY_B "\",\"grant\":" JWS "}", /* again */
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":1,\"since\":0,"
                                               "\"more\":false,\"peers\":[" ENTRY_B ",%s],\"gone\":[]}}", entries[i]);
      g_autoptr (GError) error = NULL;
      guint skipped = 0;
      g_autoptr (ScopeV1Message) message = scope_v1_parse (text, strlen (text), SCOPE_V1_TO_PEER_MAX, &skipped, &error);

      g_assert_no_error (error);
      if (skipped != 1 || message->peers->len != 1)
        g_error ("%s: %u skipped, %u peers", entries[i], skipped, message->peers->len);
    }
}

static void
append_times (GString *out, const char *what, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_printf (out, "%s%s", i ? "," : "", what);
}

static void
test_bounds (void)
{
  g_autoptr (GString) text = g_string_new ("{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":1,\"since\":0,\"more\":false,\"peers\":[");
  g_autoptr (GError) error = NULL;
  g_autofree char *filler = g_strnfill (SCOPE_V1_ENVELOPE_MAX, 'x');

  append_times (text, "0", SCOPE_V1_MAX_PEERS + 1);
  g_string_append (text, "],\"gone\":[]}}");
  refused (text->str, "roster.peers: more than 16384 elements");

  g_string_assign (text, "{\"t\":\"roster\",\"d\":{\"generation\":\"g\",\"revision\":1,\"since\":0,\"more\":false,\"peers\":[],\"gone\":[");
  append_times (text, "0", SCOPE_V1_MAX_PEERS + 1);
  g_string_append (text, "]}}");
  refused (text->str, "roster.gone: more than 16384 elements");

  g_string_assign (text, "{\"t\":\"kex.state\",\"d\":{\"epoch\":1,\"hasKeyBroadcast\":true,\"peers\":{");
  for (guint i = 0; i <= SCOPE_V1_MAX_PEERS; i++)
    g_string_append_printf (text, "%s\"%u\":0", i ? "," : "", i);
  g_string_append (text, "}}}");
  refused (text->str, "kex.state.peers: more than 16384 members");

  for (guint what = 0; what < 2; what++)
    {
      static const char *const names[] = { "latency", "reach" };

      g_string_printf (text, "{\"t\":\"report\",\"d\":{\"%s\":{", names[what]);
      for (guint i = 0; i <= SCOPE_V1_MAX_RELAYS; i++)
        g_string_append_printf (text, "%s\"%u\":0", i ? "," : "", i);
      g_string_append (text, "}}}");
      refused (text->str, what ? "report.reach: more than 512 members" : "report.latency: more than 512 members");
    }

  g_string_assign (text, "{\"t\":\"paths\",\"d\":{\"revision\":1,\"at\":1,\"relays\":[");
  append_times (text, "0", SCOPE_V1_MAX_RELAYS + 1);
  g_string_append (text, "],\"links\":[]}}");
  refused (text->str, "paths.relays: more than 512 elements");

  g_string_assign (text, "{\"t\":\"grant\",\"d\":{\"grant\":" JWS ",\"delegations\":[");
  append_times (text, "{}", SCOPE_V1_MAX_DELEGATIONS + 1);
  g_string_append (text, "]}}");
  refused (text->str, "grant.delegations: more than 64 elements");

  g_string_printf (text, "{\"t\":\"record\",\"d\":{\"record\":{\"x\":\"%s\"}}}", filler);
  refused (text->str, "record.record: not an envelope of at most");

  filler[SCOPE_V1_TEXT_MAX + 1] = '\0';
  g_string_printf (text, "{\"t\":\"error\",\"d\":{\"code\":\"c\",\"message\":\"%s\"}}", filler);
  refused (text->str, "error.message: longer");

  /* a message between peers, of the size that is carried, and one byte more */
  g_string_assign (text, "{\"t\":\"kex.ct\",\"d\":{\"to\":\"" KEY_A "\",\"x\":\"");
  while (text->len < SCOPE_V1_KEX_MAX - 3)
    g_string_append_c (text, 'x');
  g_string_append (text, "\"}}");
  scope_v1_message_free (parse (text->str));
  g_string_insert_c (text, text->len - 3, 'x');
  refused (text->str, "kex.ct.to: more than 16384 bytes");

  g_assert_null (scope_v1_parse (text->str, text->len, text->len - 1, NULL, &error));
  g_assert_error (error, SCOPE_ERROR, SCOPE_ERROR_PROTOCOL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/v1/round-trip", test_round_trip);
  g_test_add_func ("/v1/unknown", test_unknown);
  g_test_add_func ("/v1/fields", test_fields);
  g_test_add_func ("/v1/links", test_links);
  g_test_add_func ("/v1/largest-paths", test_largest_paths);
  g_test_add_func ("/v1/kex-carried", test_kex_carried);
  g_test_add_func ("/v1/roster-around", test_roster_around);
  g_test_add_func ("/v1/wrong", test_wrong);
  g_test_add_func ("/v1/wrong-welcome", test_wrong_welcome);
  g_test_add_func ("/v1/stun-endpoint", test_stun_endpoint);
  g_test_add_func ("/v1/skips", test_skips);
  g_test_add_func ("/v1/bounds", test_bounds);
  return g_test_run ();
}
