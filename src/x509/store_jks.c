/*
 * Java's key stores of type JKS and JCEKS, as sun.security.provider.JavaKeyStore (OpenJDK) lays
 * them out, all integers big-endian:
 *
 *   magic FEEDFEED (JKS) or CECECECE (JCEKS) | version 1 or 2 | number of entries
 *   per entry: tag | alias (2-byte length, modified UTF-8) | time in ms (8 bytes)
 *     tag 1, private key:  key (4-byte length) | number of certificates | certificates
 *     tag 2, trusted:      certificate
 *     tag 3, secret key (JCEKS only): a serialized Java object without a length in front
 *   certificate: type (2-byte length; version 2 only) | DER (4-byte length)
 *   SHA-1 over the password in UTF-16BE, the text "Mighty Aphrodite" and all bytes before it
 *
 * The certificates are in the clear, so a store whose password is unknown can still be read.
 */
#include "x509/store.h"

enum { DIGEST_LEN = 20, MAX_ENTRIES = 100000, MAX_CHAIN = 1000,
       MAX_PASSWORD = 512 };

static struct tw_view certificate(struct tw_reader *r, uint64_t version)
{
    if (version == 2)
        tw_rd_vec(r, 2, "certificate type");
    size_t n = (size_t)tw_rd_uint(r, 4, "certificate length");
    return tw_rd_bytes(r, n, "certificate");
}

static void private_key(struct tw_reader *r, uint64_t version, struct tw_store_content *out)
{
    size_t n = (size_t)tw_rd_uint(r, 4, "key length");
    tw_rd_bytes(r, n, "key");
    uint64_t chain = tw_rd_uint(r, 4, "chain length");
    out->keys++;
    if (chain > MAX_CHAIN)
        tw_rd_fail(r, "chain length");
    for (uint64_t i = 0; i < chain && tw_rd_ok(r); i++) {
        certificate(r, version);
        out->not_anchors += tw_rd_ok(r);
    }
}

static void trusted(struct tw_reader *r, uint64_t version, struct tw_trust *into,
                    struct tw_store_content *out)
{
    struct tw_view der = certificate(r, version);
    if (!tw_rd_ok(r))
        return;
    if (tw_trust_add_der(into, der))
        out->anchors++;
    else
        out->damaged++;
}

static void entries(struct tw_reader *r, struct tw_trust *into, struct tw_store_content *out)
{
    uint64_t version = tw_rd_uint(r, 4, "version");
    uint64_t count = tw_rd_uint(r, 4, "number of entries");
    if (version != 1 && version != 2)
        tw_rd_fail(r, "version");
    if (count > MAX_ENTRIES)
        tw_rd_fail(r, "number of entries");
    for (uint64_t i = 0; i < count && tw_rd_ok(r); i++) {
        uint64_t tag = tw_rd_uint(r, 4, "entry tag");
        tw_rd_vec(r, 2, "alias");
        tw_rd_uint(r, 8, "creation time");
        if (tag == 1) {
            private_key(r, version, out);
        } else if (tag == 2) {
            trusted(r, version, into, out);
        } else if (tag == 3 && tw_rd_ok(r)) {
            out->keys++;
            out->problem = "what stands behind a secret key in it cannot be read";
            return;
        } else {
            tw_rd_fail(r, "entry tag");
        }
    }
    if (!tw_rd_ok(r))
        out->problem = "the key store is damaged or cut off";
    else if (tw_rd_left(r) > 0)
        out->problem = "the key store has bytes behind its last entry";
}

static bool digest_fits(struct tw_crypto *c, struct tw_view body, struct tw_view digest,
                        const char *password)
{
    uint8_t utf16[2 * MAX_PASSWORD], md[TW_HASH_MAX];
    size_t n = 0;
    for (; password[n] != '\0' && n < MAX_PASSWORD; n++) {
        utf16[2 * n] = 0; /* passwords beyond ASCII are not checked right; they are as good as none */
        utf16[2 * n + 1] = (uint8_t)password[n];
    }
    struct tw_view parts[] = {tw_view_of(utf16, 2 * n), tw_view_str("Mighty Aphrodite"), body};
    size_t len = c->digest(c->ctx, TW_HASH_SHA1, parts, TW_ARRAY_LEN(parts), md);
    tw_wipe(utf16, sizeof utf16);
    return len == DIGEST_LEN && tw_view_eq(tw_view_of(md, len), digest);
}

static void check_digest(struct tw_crypto *c, struct tw_view in, const char *password,
                         struct tw_store_content *out)
{
    struct tw_view body = tw_view_sub(in, 0, in.len - DIGEST_LEN);
    struct tw_view digest = tw_view_sub(in, in.len - DIGEST_LEN, DIGEST_LEN);
    if (password != NULL)
        out->integrity = digest_fits(c, body, digest, password) ? TW_INTEGRITY_GOOD
                                                                : TW_INTEGRITY_BAD;
    else if (digest_fits(c, body, digest, "changeit"))
        out->integrity = TW_INTEGRITY_GOOD;
    else
        out->integrity = TW_INTEGRITY_UNCHECKED;
}

bool tw_store_jks(struct tw_crypto *crypto, struct tw_view in, const char *password,
                  struct tw_trust *into, struct tw_store_content *out)
{
    size_t body = in.len > DIGEST_LEN ? in.len - DIGEST_LEN : 0;
    struct tw_reader r = tw_rd_of(tw_view_sub(in, 0, body));
    tw_rd_uint(&r, 4, "magic");
    out->format = in.len > 0 && in.data[0] == 0xce ? TW_STORE_JCEKS : TW_STORE_JKS;
    entries(&r, into, out);
    if (out->problem == NULL || out->keys > 0)
        check_digest(crypto, in, password, out);
    return out->problem == NULL;
}
