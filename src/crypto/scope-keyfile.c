/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/scope-keyfile.h"

#include "common/scope-base64.h"
#include "common/scope-error.h"
#include "common/scope-json.h"
#include "common/scope-key.h"
#include "common/scope-settings.h"
#include "crypto/scope-openssl.h"

#include <glib/gi18n-lib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF_CTX, EVP_KDF_CTX_free)

#define KDF_NAME "argon2id"
#define KEY_LEN 32
#define CHECK_LEN 16
#define TAG_LEN 16

/* What a file may ask for before the passphrase has been seen. */
#define MAX_MEMORY (1024 * 1024) /* KiB */
#define MAX_PASSES 64
#define MAX_LANES 64

static const char label[] = "scope keyfile v1"; /* with its NUL */

static gboolean G_GNUC_PRINTF (3, 4)
refuse (GError **error, const char *field, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *why = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, "%s: %s", field, why);
  return FALSE;
}

/* --- the two primitives --- */

/* @out: the key, then the check value */
static gboolean
derive (const ScopeKeyfile *k, const char *passphrase, guint8 *out, GError **error)
{
  g_autoptr (EVP_KDF) kdf = EVP_KDF_fetch (NULL, "ARGON2ID", NULL);
  g_autoptr (EVP_KDF_CTX) ctx = kdf ? EVP_KDF_CTX_new (kdf) : NULL;
  guint32 threads = 1, memory = k->memory, passes = k->passes, lanes = k->lanes;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_PASSWORD, (char *) passphrase, strlen (passphrase)),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SALT, (guint8 *) k->salt, sizeof k->salt),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_ITER, &passes),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_THREADS, &threads),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_ARGON2_LANES, &lanes),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_ARGON2_MEMCOST, &memory),
    OSSL_PARAM_construct_end (),
  };

  if (ctx && EVP_KDF_derive (ctx, out, KEY_LEN + CHECK_LEN, params) == 1)
    return TRUE;
  OPENSSL_cleanse (out, KEY_LEN + CHECK_LEN);
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_FAILED,
               _ ("cannot make a key of the passphrase: Argon2id with %u MiB of memory failed"), k->memory / 1024);
  return FALSE;
}

static void
append_field (GByteArray *out, const void *bytes, gsize len)
{
  guint32 n = GUINT32_TO_BE (len);

  g_byte_array_append (out, (const guint8 *) &n, sizeof n);
  g_byte_array_append (out, bytes, len);
}

static void
append_number (GByteArray *out, guint32 number)
{
  guint32 n = GUINT32_TO_BE (number);

  append_field (out, &n, sizeof n);
}

/* Everything that the file says besides nonce and ciphertext. */
static GByteArray *
associated_data (const ScopeKeyfile *k)
{
  const char *registry = k->registry ? k->registry : "";
  GByteArray *out = g_byte_array_new ();

  g_byte_array_append (out, (const guint8 *) label, sizeof label);
  append_field (out, k->network, strlen (k->network));
  append_field (out, registry, strlen (registry));
  append_field (out, scope_identity_public_bytes (k->identity), SCOPE_IDENTITY_PUBLIC_LEN);
  append_field (out, KDF_NAME, strlen (KDF_NAME));
  append_number (out, k->memory);
  append_number (out, k->passes);
  append_number (out, k->lanes);
  append_field (out, k->salt, sizeof k->salt);
  append_field (out, k->check, sizeof k->check);
  return out;
}

/* From @secret to k->ciphertext, or back. */
static gboolean
apply (gboolean encrypt, ScopeKeyfile *k, const guint8 *key, guint8 *secret)
{
  g_autoptr (EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new ();
  g_autoptr (GByteArray) aad = associated_data (k);
  guint8 *tag = k->ciphertext + SCOPE_IDENTITY_SECRET_LEN;
  guint8 none[TAG_LEN];
  int len;

  if (!ctx || EVP_CipherInit_ex2 (ctx, EVP_aes_256_gcm (), key, k->nonce, encrypt, NULL) != 1 ||
      (!encrypt && EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1) ||
      EVP_CipherUpdate (ctx, NULL, &len, aad->data, aad->len) != 1 ||
      EVP_CipherUpdate (ctx, encrypt ? k->ciphertext : secret, &len, encrypt ? secret : k->ciphertext,
                        SCOPE_IDENTITY_SECRET_LEN) != 1 ||
      EVP_CipherFinal_ex (ctx, none, &len) != 1)
    return FALSE;
  return !encrypt || EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1;
}

/* --- seal and open --- */

ScopeKeyfile *
scope_keyfile_seal (const char *network, const char *registry, const ScopeIdentity *identity, const char *passphrase,
                    GError **error)
{
  g_autoptr (ScopeKeyfile) k = g_new0 (ScopeKeyfile, 1);
  g_autoptr (ScopeSecret) text = scope_identity_format (identity);
  guint8 key[KEY_LEN + CHECK_LEN], secret[SCOPE_IDENTITY_SECRET_LEN];
  gboolean ok;

  if (!*passphrase)
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("the passphrase is empty"));
      return NULL;
    }
  k->network = g_strdup (network);
  k->registry = g_strdup (registry);
  k->identity = scope_identity_public_ref (scope_identity_public (identity));
  k->memory = 64 * 1024;
  k->passes = 3;
  k->lanes = 4;
  if (RAND_bytes (k->salt, sizeof k->salt) != 1 || RAND_bytes (k->nonce, sizeof k->nonce) != 1)
    {
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("the system gives no random numbers"));
      return NULL;
    }
  if (!derive (k, passphrase, key, error))
    return NULL;
  memcpy (k->check, key + KEY_LEN, CHECK_LEN);
  ok = scope_base64url_decode_exact (text, secret, sizeof secret) && apply (TRUE, k, key, secret);
  OPENSSL_cleanse (secret, sizeof secret);
  OPENSSL_cleanse (key, sizeof key);
  if (ok)
    return g_steal_pointer (&k);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_FAILED, _ ("cannot encrypt the root key"));
  return NULL;
}

ScopeIdentity *
scope_keyfile_open (const ScopeKeyfile *keyfile, const char *passphrase, GError **error)
{
  ScopeKeyfile *k = (ScopeKeyfile *) keyfile; /* apply() writes to it only when it encrypts */
  g_autoptr (ScopeIdentity) identity = NULL;
  guint8 key[KEY_LEN + CHECK_LEN], secret[SCOPE_IDENTITY_SECRET_LEN];

  if (!derive (k, passphrase, key, error))
    return NULL;
  if (CRYPTO_memcmp (k->check, key + KEY_LEN, CHECK_LEN) != 0)
    {
      OPENSSL_cleanse (key, sizeof key);
      g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_DENIED, _ ("the passphrase is wrong"));
      return NULL;
    }
  if (apply (FALSE, k, key, secret))
    identity = scope_identity_new (secret, NULL);
  OPENSSL_cleanse (secret, sizeof secret);
  OPENSSL_cleanse (key, sizeof key);
  if (identity && scope_identity_public_equal (scope_identity_public (identity), k->identity))
    return g_steal_pointer (&identity);
  g_set_error_literal (error, SCOPE_ERROR, SCOPE_ERROR_INVALID,
                       _ ("the passphrase is right, but the file was damaged or changed since it was written: "
                          "take it from a backup"));
  return NULL;
}

/* --- the file --- */

static void
append_bytes (GString *out, const char *name, const guint8 *bytes, gsize len)
{
  g_autofree char *text = scope_base64url_encode (bytes, len, g_malloc (SCOPE_BASE64_CHARS (len) + 1));

  g_string_append_printf (out, "\"%s\":\"%s\"", name, text);
}

char *
scope_keyfile_format (const ScopeKeyfile *k)
{
  g_autofree char *identity = scope_identity_public_format (k->identity);
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "{\"version\":%d,\n \"network\":", SCOPE_KEYFILE_VERSION);
  scope_json_append_string (out, k->network);
  if (k->registry)
    {
      g_string_append (out, ",\n \"registry\":");
      scope_json_append_string (out, k->registry);
    }
  g_string_append_printf (out, ",\n \"identity\":\"%s\"", identity);
  g_string_append_printf (out, ",\n \"kdf\":{\"name\":\"" KDF_NAME "\",\"memory\":%u,\"passes\":%u,\"lanes\":%u,",
                          k->memory, k->passes, k->lanes);
  append_bytes (out, "salt", k->salt, sizeof k->salt);
  g_string_append_c (out, ',');
  append_bytes (out, "check", k->check, sizeof k->check);
  g_string_append (out, "},\n ");
  append_bytes (out, "nonce", k->nonce, sizeof k->nonce);
  g_string_append (out, ",\n ");
  append_bytes (out, "ciphertext", k->ciphertext, sizeof k->ciphertext);
  g_string_append (out, "}\n");
  return g_string_free (out, FALSE);
}

/* @where: what to call @object in a message, "" or "kdf." */
static const char *
get_string (JsonObject *object, const char *where, const char *name, GError **error)
{
  const char *value = scope_json_get_string (object, name);
  g_autofree char *field = g_strconcat (where, name, NULL);

  if (!value)
    refuse (error, field, "%s", json_object_has_member (object, name) ? _ ("not a string") : _ ("missing"));
  return value;
}

static gboolean
get_bytes (JsonObject *object, const char *where, const char *name, guint8 *out, gsize len, GError **error)
{
  const char *value = get_string (object, where, name, error);
  g_autofree char *field = g_strconcat (where, name, NULL);

  if (!value)
    return FALSE;
  return scope_base64url_decode_exact (value, out, len) ||
         refuse (error, field, _ ("expected %u characters of base64url"), (guint) SCOPE_BASE64_CHARS (len));
}

static gboolean
get_number (JsonObject *object, const char *where, const char *name, gint64 min, gint64 max, guint32 *out,
            GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  g_autofree char *field = g_strconcat (where, name, NULL);
  gint64 value = -1;

  if (!node)
    return refuse (error, field, "%s", _ ("missing"));
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64)
    value = json_node_get_int (node);
  if (value < min || value > max)
    return refuse (error, field, _ ("not a number from %d to %d"), (int) min, (int) max);
  *out = value;
  return TRUE;
}

static gboolean
parse_version (JsonObject *object, GError **error)
{
  guint32 version;

  if (!get_number (object, "", "version", 1, G_MAXINT, &version, error))
    return FALSE;
  if (version <= SCOPE_KEYFILE_VERSION)
    return TRUE;
  g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED,
               _ ("version: %u: written by a newer NetworkManager-scope; this one reads version %d"), version,
               SCOPE_KEYFILE_VERSION);
  return FALSE;
}

static gboolean
parse_kdf (ScopeKeyfile *k, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "kdf");
  JsonObject *kdf;
  const char *name;

  if (!node || !JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, "kdf", "%s", node ? _ ("not an object") : _ ("missing"));
  kdf = json_node_get_object (node);
  name = get_string (kdf, "kdf.", "name", error);
  if (!name)
    return FALSE;
  if (!g_str_equal (name, KDF_NAME))
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_UNSUPPORTED, _ ("kdf.name: “%.40s” is not known; expected %s"), name,
                   KDF_NAME);
      return FALSE;
    }
  if (!get_number (kdf, "kdf.", "lanes", 1, MAX_LANES, &k->lanes, error) ||
      !get_number (kdf, "kdf.", "passes", 1, MAX_PASSES, &k->passes, error) ||
      !get_number (kdf, "kdf.", "memory", 8 * k->lanes, MAX_MEMORY, &k->memory, error))
    return FALSE;
  return get_bytes (kdf, "kdf.", "salt", k->salt, sizeof k->salt, error) &&
         get_bytes (kdf, "kdf.", "check", k->check, sizeof k->check, error);
}

ScopeKeyfile *
scope_keyfile_parse (const char *text, gsize len, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (JsonObject) object = scope_json_parse_object_strict (text, len, SCOPE_KEYFILE_MAX_BYTES, &why);
  g_autoptr (ScopeKeyfile) k = g_new0 (ScopeKeyfile, 1);
  const char *value;

  if (!object)
    {
      g_set_error (error, SCOPE_ERROR, SCOPE_ERROR_INVALID, _ ("not a root key's file: %s"), why->message);
      return NULL;
    }
  if (!parse_version (object, error))
    return NULL;

  if (!(value = get_string (object, "", "network", error)) ||
      !scope_setting_check (scope_setting_find (SCOPE_SETTING_NETWORK), value, error))
    return NULL;
  k->network = g_strdup (value);

  if (json_object_has_member (object, "registry"))
    {
      if (!(value = get_string (object, "", "registry", error)) ||
          !scope_setting_check (scope_setting_find (SCOPE_SETTING_REGISTRY), value, error))
        return NULL;
      k->registry = g_strdup (value);
    }

  if (!(value = get_string (object, "", "identity", error)))
    return NULL;
  k->identity = scope_identity_public_parse (value, &why);
  if (!k->identity)
    {
      refuse (error, "identity", "%s", why->message);
      return NULL;
    }

  if (!parse_kdf (k, object, error) || !get_bytes (object, "", "nonce", k->nonce, sizeof k->nonce, error) ||
      !get_bytes (object, "", "ciphertext", k->ciphertext, sizeof k->ciphertext, error))
    return NULL;
  return g_steal_pointer (&k);
}

void
scope_keyfile_free (ScopeKeyfile *k)
{
  g_free (k->network);
  g_free (k->registry);
  g_clear_pointer (&k->identity, scope_identity_public_unref);
  g_free (k);
}
