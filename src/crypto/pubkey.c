/*
 * Public keys from SubjectPublicKeyInfo, and signatures. RSA and EC are taken from the DER by hand
 * and used through the low-level functions (see crypto_internal.h); the rest goes through EVP.
 */
#include "crypto/crypto_internal.h"

/* ---- a minimal DER walk ------------------------------------------------------------------------- */

/* Contents of the next element if it has the tag; else the reader fails. */
static struct tw_view der(struct tw_reader *r, uint8_t tag, const char *field)
{
    if (tw_rd_u8(r, field) != tag)
        tw_rd_fail(r, field);
    size_t len = tw_rd_u8(r, field);
    if (len >= 0x80) {
        size_t n = len & 0x7f;
        if (n == 0 || n > 4)
            tw_rd_fail(r, field);
        len = tw_rd_ok(r) ? (size_t)tw_rd_uint(r, n, field) : 0;
    }
    return tw_rd_bytes(r, len, field);
}

static bool oid_is(struct tw_view oid, const char *bytes, size_t n)
{
    return oid.len == n && memcmp(oid.data, bytes, n) == 0;
}
#define OID_IS(v, s) oid_is(v, s, sizeof(s) - 1)

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_PSS "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"

static bool load_rsa(struct tw_pubkey *k, struct tw_view bits)
{
    struct tw_reader r = tw_rd_of(bits);
    tw_rd_u8(&r, "unused bits");
    struct tw_view seq = der(&r, 0x30, "RSAPublicKey");
    struct tw_reader s = tw_rd_of(seq);
    struct tw_view n = der(&s, 0x02, "modulus"), e = der(&s, 0x02, "publicExponent");
    if (!tw_rd_ok(&r) || !tw_rd_ok(&s) || n.len == 0 || n.len > 2049 || e.len == 0 || e.len > 513 ||
        (n.data[0] & 0x80) || (e.data[0] & 0x80))
        return false;
    BIGNUM *bn = BN_bin2bn(n.data, (int)n.len, NULL), *be = BN_bin2bn(e.data, (int)e.len, NULL);
    k->rsa = RSA_new();
    if (k->rsa == NULL || bn == NULL || be == NULL || RSA_set0_key(k->rsa, bn, be, NULL) != 1) {
        BN_free(bn);
        BN_free(be);
        return false;
    }
    k->info.bits = (unsigned)BN_num_bits(bn);
    return !BN_is_zero(be) && BN_is_odd(bn);
}

static int curve_nid(struct tw_view oid)
{
    if (OID_IS(oid, OID_P256))
        return NID_X9_62_prime256v1;
    if (OID_IS(oid, OID_P384))
        return NID_secp384r1;
    if (OID_IS(oid, OID_P521))
        return NID_secp521r1;
    uint8_t buf[32];
    if (oid.len > sizeof buf - 2)
        return NID_undef;
    buf[0] = 6;
    buf[1] = (uint8_t)oid.len;
    memcpy(buf + 2, oid.data, oid.len);
    const unsigned char *p = buf;
    ASN1_OBJECT *o = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len + 2);
    int nid = o == NULL ? NID_undef : OBJ_obj2nid(o);
    ASN1_OBJECT_free(o);
    return nid;
}

static bool load_ec(struct crypto_ctx *c, struct tw_pubkey *k, struct tw_view params,
                    struct tw_view bits)
{
    struct tw_reader r = tw_rd_of(params);
    struct tw_view oid = der(&r, 0x06, "namedCurve");
    if (!tw_rd_ok(&r) || oid.len == 0 || bits.len < 2)
        return false;
    int nid = curve_nid(oid);
    const EC_GROUP *group = nid == NID_undef ? NULL : ctx_curve(c, nid);
    k->ec = group == NULL ? NULL : EC_KEY_new();
    if (k->ec == NULL || EC_KEY_set_group(k->ec, group) != 1 ||
        EC_KEY_oct2key(k->ec, bits.data + 1, bits.len - 1, c->bn) != 1)
        return false;
    k->info.group = group_of_nid(nid);
    k->info.bits = (unsigned)EC_GROUP_get_degree(group);
    return true;
}

static enum tw_key_type evp_type(EVP_PKEY *p)
{
    switch (EVP_PKEY_get_base_id(p)) {
    case EVP_PKEY_RSA:
        return TW_KEY_RSA;
    case EVP_PKEY_RSA_PSS:
        return TW_KEY_RSA_PSS;
    case EVP_PKEY_EC:
        return TW_KEY_EC;
    case EVP_PKEY_ED25519:
        return TW_KEY_ED25519;
    case EVP_PKEY_ED448:
        return TW_KEY_ED448;
    case EVP_PKEY_DSA:
        return TW_KEY_DSA;
    case EVP_PKEY_DH:
    case EVP_PKEY_DHX:
        return TW_KEY_DH;
    default:
        return TW_KEY_OTHER;
    }
}

static bool load_evp(struct tw_pubkey *k, struct tw_view spki)
{
    const unsigned char *p = spki.data;
    k->evp = d2i_PUBKEY(NULL, &p, (long)spki.len);
    if (k->evp == NULL)
        return false;
    k->info.type = evp_type(k->evp);
    k->info.bits = (unsigned)EVP_PKEY_get_bits(k->evp);
    return true;
}

static bool load(struct crypto_ctx *c, struct tw_pubkey *k, struct tw_view spki)
{
    struct tw_reader r = tw_rd_of(spki);
    struct tw_view seq = der(&r, 0x30, "SubjectPublicKeyInfo");
    struct tw_reader s = tw_rd_of(seq);
    struct tw_view alg = der(&s, 0x30, "algorithm"), bits = der(&s, 0x03, "subjectPublicKey");
    struct tw_reader a = tw_rd_of(alg);
    struct tw_view oid = der(&a, 0x06, "algorithm");
    if (!tw_rd_ok(&r) || !tw_rd_ok(&s) || !tw_rd_ok(&a) || oid.len == 0)
        return false;
    struct tw_view params = tw_rd_rest(&a);
    if (OID_IS(oid, OID_RSA) || OID_IS(oid, OID_RSA_PSS)) {
        k->info.type = OID_IS(oid, OID_RSA) ? TW_KEY_RSA : TW_KEY_RSA_PSS;
        return load_rsa(k, bits);
    }
    if (OID_IS(oid, OID_EC)) {
        k->info.type = TW_KEY_EC;
        return load_ec(c, k, params, bits);
    }
    return load_evp(k, spki);
}

/* ---- cache ------------------------------------------------------------------------------------------ */

static void release(struct tw_pubkey *k)
{
    if (k == NULL || --k->refs > 0)
        return;
    EC_KEY_free(k->ec);
    RSA_free(k->rsa);
    EVP_PKEY_free(k->evp);
    free(k->spki);
    free(k);
}

void pubkey_cache_free(struct crypto_ctx *c)
{
    for (size_t i = 0; i < KEY_CACHE; i++)
        release(c->cache[i]);
}

static struct tw_pubkey *pubkey_new(void *ctx, struct tw_view spki)
{
    struct crypto_ctx *c = ctx;
    for (size_t i = 0; i < KEY_CACHE; i++) {
        struct tw_pubkey *k = c->cache[i];
        if (k != NULL && k->spki_len == spki.len && memcmp(k->spki, spki.data, spki.len) == 0) {
            k->refs++;
            return k;
        }
    }
    struct tw_pubkey *k = calloc(1, sizeof *k);
    if (k != NULL)
        k->c = c;
    if (k == NULL || spki.len == 0 || spki.len > 65536 || !load(c, k, spki) ||
        (k->spki = malloc(spki.len)) == NULL) {
        ERR_clear_error();
        if (k != NULL)
            k->refs = 1;
        release(k);
        return NULL;
    }
    memcpy(k->spki, spki.data, spki.len);
    k->spki_len = spki.len;
    k->refs = 2; /* the caller's and the cache's */
    release(c->cache[c->cache_next]);
    c->cache[c->cache_next] = k;
    c->cache_next = (c->cache_next + 1) % KEY_CACHE;
    return k;
}

static void pubkey_info(const struct tw_pubkey *k, struct tw_key_info *info)
{
    *info = k->info;
}

/* ---- signatures -------------------------------------------------------------------------------------- */

static int hash_nid(enum tw_hash_id h)
{
    static const int nids[] = {NID_undef,  NID_md5,    NID_sha1, NID_sha224,  NID_sha256,
                               NID_sha384, NID_sha512, NID_sm3,  NID_md5_sha1};
    return (size_t)h < TW_ARRAY_LEN(nids) ? nids[h] : NID_undef;
}

static const EVP_MD *legacy_md(enum tw_hash_id h)
{
    return EVP_get_digestbynid(hash_nid(h));
}

uint8_t *join_parts(const struct tw_view *parts, size_t n, size_t *len)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].len;
    uint8_t *all = malloc(total + 1);
    size_t at = 0;
    for (size_t i = 0; all != NULL && i < n; i++) {
        if (parts[i].len > 0)
            memcpy(all + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    *len = total;
    return all;
}

/* salt: -1 = as long as the hash; else fixed */
static bool pss_good(RSA *rsa, enum tw_hash_id hash, const uint8_t *digest, struct tw_view sig,
                     int salt)
{
    int size = RSA_size(rsa);
    if (size <= 0 || size > 2048 || sig.len != (size_t)size)
        return false;
    uint8_t em[2048];
    int n = RSA_public_decrypt((int)sig.len, sig.data, em, rsa, RSA_NO_PADDING);
    const EVP_MD *md = legacy_md(hash);
    return n == size && md != NULL &&
           RSA_verify_PKCS1_PSS_mgf1(rsa, digest, md, md, em, salt) == 1;
}

static enum tw_verify verify_evp(struct tw_pubkey *k, enum tw_hash_id hash,
                                 const struct tw_view *parts, size_t n, struct tw_view sig)
{
    size_t len = 0;
    uint8_t *all = join_parts(parts, n, &len);
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    enum tw_verify v = TW_VERIFY_ERROR;
    if (all != NULL && m != NULL &&
        EVP_DigestVerifyInit(m, NULL, hash == TW_HASH_NONE ? NULL : legacy_md(hash), NULL,
                             k->evp) == 1)
        v = EVP_DigestVerify(m, sig.data, sig.len, all, len) == 1 ? TW_VERIFY_GOOD : TW_VERIFY_BAD;
    EVP_MD_CTX_free(m);
    free(all);
    return v;
}

static bool fits(const struct tw_pubkey *k, enum tw_sig_kind kind)
{
    switch (kind) {
    case TW_SIG_RSA_PKCS1:
        return k->info.type == TW_KEY_RSA;
    case TW_SIG_RSA_PSS:
        return k->info.type == TW_KEY_RSA || k->info.type == TW_KEY_RSA_PSS;
    case TW_SIG_ECDSA:
        return k->info.type == TW_KEY_EC;
    case TW_SIG_EDDSA:
        return k->info.type == TW_KEY_ED25519 || k->info.type == TW_KEY_ED448;
    case TW_SIG_DSA:
        return k->info.type == TW_KEY_DSA;
    default:
        return false;
    }
}

static enum tw_verify verify_salted(struct crypto_ctx *c, struct tw_pubkey *k,
                                    enum tw_sig_kind kind, enum tw_hash_id hash, int salt,
                                    const struct tw_view *parts, size_t n, struct tw_view sig)
{
    if (!fits(k, kind))
        return TW_VERIFY_UNSUPPORTED;
    if (k->evp != NULL)
        return verify_evp(k, hash, parts, n, sig);
    uint8_t digest[TW_HASH_MAX];
    size_t len = ctx_digest(c, hash, parts, n, digest);
    if (len == 0)
        return TW_VERIFY_UNSUPPORTED;
    bool good;
    if (kind == TW_SIG_ECDSA)
        good = ECDSA_verify(0, digest, (int)len, sig.data, (int)sig.len, k->ec) == 1;
    else if (kind == TW_SIG_RSA_PSS)
        good = pss_good(k->rsa, hash, digest, sig, salt);
    else
        good = sig.len <= 2048 && RSA_verify(hash_nid(hash), digest, (unsigned)len, sig.data,
                                             (unsigned)sig.len, k->rsa) == 1;
    return good ? TW_VERIFY_GOOD : TW_VERIFY_BAD;
}


static enum tw_verify verify(struct tw_pubkey *k, enum tw_sig_kind kind,
                             enum tw_hash_id hash, const struct tw_view *parts, size_t n,
                             struct tw_view sig)
{
    if (sig.len > 65536)
        return TW_VERIFY_BAD;
    enum tw_verify v = verify_salted(k->c, k, kind, hash, RSA_PSS_SALTLEN_DIGEST, parts, n, sig);
    if (v != TW_VERIFY_GOOD)
        ERR_clear_error();
    return v;
}

/* ---- X.509 algorithm identifiers ------------------------------------------------------------------------ */

struct sig_alg {
    const char *oid;
    size_t len;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
};
#define ALG(o, k, h) {o, sizeof(o) - 1, k, h}
#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define ECDSA2 "\x2a\x86\x48\xce\x3d\x04\x03"
#define NISTDSA "\x60\x86\x48\x01\x65\x03\x04\x03"
static const struct sig_alg sig_algs[] = {
    ALG(PKCS1 "\x0b", TW_SIG_RSA_PKCS1, TW_HASH_SHA256),
    ALG(PKCS1 "\x0c", TW_SIG_RSA_PKCS1, TW_HASH_SHA384),
    ALG(PKCS1 "\x0d", TW_SIG_RSA_PKCS1, TW_HASH_SHA512),
    ALG(PKCS1 "\x0e", TW_SIG_RSA_PKCS1, TW_HASH_SHA224),
    ALG(PKCS1 "\x05", TW_SIG_RSA_PKCS1, TW_HASH_SHA1),
    ALG(PKCS1 "\x04", TW_SIG_RSA_PKCS1, TW_HASH_MD5),
    ALG("\x2b\x0e\x03\x02\x1d", TW_SIG_RSA_PKCS1, TW_HASH_SHA1),
    ALG(PKCS1 "\x0a", TW_SIG_RSA_PSS, TW_HASH_NONE),
    ALG(ECDSA2 "\x02", TW_SIG_ECDSA, TW_HASH_SHA256),
    ALG(ECDSA2 "\x03", TW_SIG_ECDSA, TW_HASH_SHA384),
    ALG(ECDSA2 "\x04", TW_SIG_ECDSA, TW_HASH_SHA512),
    ALG(ECDSA2 "\x01", TW_SIG_ECDSA, TW_HASH_SHA224),
    ALG("\x2a\x86\x48\xce\x3d\x04\x01", TW_SIG_ECDSA, TW_HASH_SHA1),
    ALG("\x2b\x65\x70", TW_SIG_EDDSA, TW_HASH_NONE),
    ALG("\x2b\x65\x71", TW_SIG_EDDSA, TW_HASH_NONE),
    ALG("\x2a\x86\x48\xce\x38\x04\x03", TW_SIG_DSA, TW_HASH_SHA1),
    ALG(NISTDSA "\x02", TW_SIG_DSA, TW_HASH_SHA256),
    ALG(NISTDSA "\x01", TW_SIG_DSA, TW_HASH_SHA224),
};

static enum tw_hash_id hash_by_oid(struct tw_view oid)
{
    static const enum tw_hash_id sha2[] = {TW_HASH_SHA256, TW_HASH_SHA384, TW_HASH_SHA512,
                                           TW_HASH_SHA224};
    if (oid.len == 9 && memcmp(oid.data, "\x60\x86\x48\x01\x65\x03\x04\x02", 8) == 0 &&
        oid.data[8] >= 1 && oid.data[8] <= 4)
        return sha2[oid.data[8] - 1];
    return OID_IS(oid, "\x2b\x0e\x03\x02\x1a") ? TW_HASH_SHA1 : TW_HASH_NONE;
}

/* RSASSA-PSS-params (RFC 4055 3.1): hash and salt length; defaults SHA-1 and 20. */
static enum tw_hash_id pss_params(struct tw_view params, int *salt)
{
    enum tw_hash_id hash = TW_HASH_SHA1;
    *salt = 20;
    struct tw_reader r = tw_rd_of(params);
    struct tw_reader s = tw_rd_of(der(&r, 0x30, "RSASSA-PSS-params"));
    while (tw_rd_ok(&r) && tw_rd_more(&s)) {
        uint8_t tag = s.data[s.pos];
        struct tw_reader in = tw_rd_of(der(&s, tag, "parameter"));
        if (tag == 0xa0) {
            struct tw_reader alg = tw_rd_of(der(&in, 0x30, "hashAlgorithm"));
            hash = hash_by_oid(der(&alg, 0x06, "hashAlgorithm"));
        } else if (tag == 0xa2) {
            struct tw_view v = der(&in, 0x02, "saltLength");
            *salt = v.len == 1 ? v.data[0] : -2;
        }
    }
    return hash;
}

/* ECDSA and RSA with SHA-3, 2.16.840.1.101.3.4.3.9 to .16, which OpenSSL 3.0 has no names for. */
static bool sha3_algorithm(struct tw_view oid, int *md, int *pk)
{
    static const int mds[] = {NID_sha3_224, NID_sha3_256, NID_sha3_384, NID_sha3_512};
    if (oid.len != 9 || memcmp(oid.data, NISTDSA, 8) != 0 || oid.data[8] < 9 || oid.data[8] > 16)
        return false;
    *md = mds[(oid.data[8] - 9) % 4];
    *pk = oid.data[8] < 13 ? EVP_PKEY_EC : EVP_PKEY_RSA;
    return true;
}

/* Algorithms that are too rare for the table: whatever libcrypto knows. */
static enum tw_verify verify_rare(struct tw_pubkey *k, struct tw_view oid, struct tw_view tbs,
                                  struct tw_view sig)
{
    uint8_t buf[32];
    int md = NID_undef, pk = NID_undef;
    if (oid.len > sizeof buf - 2)
        return TW_VERIFY_UNSUPPORTED;
    buf[0] = 6;
    buf[1] = (uint8_t)oid.len;
    memcpy(buf + 2, oid.data, oid.len);
    const unsigned char *p = buf, *spki = k->spki;
    ASN1_OBJECT *o = d2i_ASN1_OBJECT(NULL, &p, (long)oid.len + 2);
    bool known = sha3_algorithm(oid, &md, &pk) ||
                 (o != NULL && OBJ_find_sigid_algs(OBJ_obj2nid(o), &md, &pk) == 1);
    ASN1_OBJECT_free(o);
    EVP_PKEY *evp = known && md != NID_undef ? d2i_PUBKEY(NULL, &spki, (long)k->spki_len) : NULL;
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    enum tw_verify v = TW_VERIFY_UNSUPPORTED;
    if (evp != NULL && m != NULL && EVP_PKEY_get_base_id(evp) == pk &&
        EVP_DigestVerifyInit(m, NULL, EVP_get_digestbynid(md), NULL, evp) == 1)
        v = EVP_DigestVerify(m, sig.data, sig.len, tbs.data, tbs.len) == 1 ? TW_VERIFY_GOOD
                                                                         : TW_VERIFY_BAD;
    EVP_MD_CTX_free(m);
    EVP_PKEY_free(evp);
    ERR_clear_error();
    return v;
}

static enum tw_verify verify_x509(struct tw_pubkey *k, struct tw_view algorithm,
                                  struct tw_view tbs, struct tw_view sig)
{
    struct tw_reader r = tw_rd_of(algorithm);
    struct tw_reader a = tw_rd_of(der(&r, 0x30, "AlgorithmIdentifier"));
    struct tw_view oid = der(&a, 0x06, "algorithm");
    if (!tw_rd_ok(&a))
        return TW_VERIFY_UNSUPPORTED;
    struct tw_view params = tw_rd_rest(&a);
    for (size_t i = 0; i < TW_ARRAY_LEN(sig_algs); i++) {
        const struct sig_alg *s = &sig_algs[i];
        if (!oid_is(oid, s->oid, s->len))
            continue;
        if (k->info.type != TW_KEY_UNKNOWN && k->info.type != TW_KEY_OTHER && !fits(k, s->kind))
            return TW_VERIFY_BAD; /* a key of another kind did not make it */
        int salt = RSA_PSS_SALTLEN_DIGEST;
        enum tw_hash_id hash = s->kind == TW_SIG_RSA_PSS ? pss_params(params, &salt) : s->hash;
        enum tw_verify v = verify_salted(k->c, k, s->kind, hash, salt, &tbs, 1, sig);
        if (v != TW_VERIFY_GOOD)
            ERR_clear_error();
        return v;
    }
    return verify_rare(k, oid, tbs, sig);
}

static bool rsa_encrypt(struct tw_pubkey *k, struct tw_view in, struct tw_buf *out)
{
    if (k->rsa == NULL || RSA_size(k->rsa) < (int)in.len + 11)
        return false;
    size_t size = (size_t)RSA_size(k->rsa);
    uint8_t *p = tw_buf_grow(out, size);
    bool ok = p != NULL && RSA_public_encrypt((int)in.len, in.data, p, k->rsa,
                                              RSA_PKCS1_PADDING) == (int)size;
    if (!ok)
        ERR_clear_error();
    return ok;
}

void pubkey_table(struct tw_crypto *t)
{
    t->pubkey_new = pubkey_new;
    t->pubkey_info = pubkey_info;
    t->verify = verify;
    t->verify_x509 = verify_x509;
    t->rsa_encrypt = rsa_encrypt;
    t->pubkey_free = release;
}
