/* Which signature schemes go with which key in which version, and what TLS 1.3 signs. */
#include "engine/keys.h"

size_t tw_signed_content13(bool server, struct tw_view transcript_hash, uint8_t *buf, size_t cap)
{
    static const char server_context[] = "TLS 1.3, server CertificateVerify";
    static const char client_context[] = "TLS 1.3, client CertificateVerify";
    size_t n = 64 + sizeof server_context + transcript_hash.len;
    if (n > cap || transcript_hash.len == 0)
        return 0;
    memset(buf, 0x20, 64);
    /* with the NUL: it is the separator */
    memcpy(buf + 64, server ? server_context : client_context, sizeof server_context);
    memcpy(buf + 64 + sizeof server_context, transcript_hash.data, transcript_hash.len);
    return n;
}

/* Below TLS 1.2, RFC 2246 7.4.3, RFC 4492 5.4. */
static bool plan_by_key(const struct tw_key_info *key, enum tw_sig_kind *kind,
                        enum tw_hash_id *hash)
{
    *hash = TW_HASH_SHA1;
    switch (key->type) {
    case TW_KEY_RSA:
        *kind = TW_SIG_RSA_PKCS1;
        *hash = TW_HASH_MD5_SHA1;
        return true;
    case TW_KEY_EC:
        *kind = TW_SIG_ECDSA;
        return true;
    case TW_KEY_DSA:
        *kind = TW_SIG_DSA;
        return true;
    default:
        return false;
    }
}

/* Does the padded hash fit into the modulus? RFC 8017 9.1.1 (salt as long as the hash) and 9.2
 * (19 bytes of DigestInfo, 11 of padding). */
static bool rsa_holds(const struct tw_key_info *key, const struct tw_sigscheme *s)
{
    size_t hash = tw_hash_len(s->hash);
    size_t need = s->kind == TW_SIG_RSA_PSS ? 2 * hash + 2 : hash + 19 + 11;
    return (key->bits + 7) / 8 >= need;
}

static bool fits_key(const struct tw_sigscheme *s, const struct tw_key_info *key, uint16_t version)
{
    enum { ED25519 = 0x0807, ED448 = 0x0808 };
    switch (s->kind) {
    case TW_SIG_RSA_PKCS1:
        return key->type == TW_KEY_RSA && rsa_holds(key, s);
    case TW_SIG_RSA_PSS:
        return key->type == (s->pss_key ? TW_KEY_RSA_PSS : TW_KEY_RSA) && rsa_holds(key, s);
    case TW_SIG_ECDSA: /* the scheme names the curve in TLS 1.3 only, RFC 8446 4.2.3 */
        return key->type == TW_KEY_EC && (version < TW_TLS13 || key->group == s->group);
    case TW_SIG_EDDSA:
        return (key->type == TW_KEY_ED25519 && s->id == ED25519) ||
               (key->type == TW_KEY_ED448 && s->id == ED448);
    case TW_SIG_DSA:
        return key->type == TW_KEY_DSA;
    default:
        return false;
    }
}

bool tw_sig_plan(uint16_t version, uint16_t scheme, const struct tw_key_info *key,
                 enum tw_sig_kind *kind, enum tw_hash_id *hash)
{
    if (version < TW_TLS12)
        return plan_by_key(key, kind, hash);
    const struct tw_sigscheme *s = tw_sigscheme_by_id(scheme);
    if (s == NULL || (version >= TW_TLS13 && !s->tls13) || !fits_key(s, key, version))
        return false;
    *kind = s->kind;
    *hash = s->hash;
    return true;
}

uint16_t tw_sig_choose(uint16_t version, const struct tw_key_info *key, const uint16_t *offered,
                       size_t n)
{
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    for (size_t i = 0; i < n; i++)
        if (tw_sig_plan(version, offered[i], key, &kind, &hash))
            return offered[i];
    return 0;
}
