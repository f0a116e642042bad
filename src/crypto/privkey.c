/* Private keys: signing, static RSA. For the server role and client authentication. */
#include "crypto/crypto_internal.h"

static void privkey_info(const struct tw_privkey *k, struct tw_key_info *info)
{
    *info = (struct tw_key_info){.bits = (unsigned)EVP_PKEY_get_bits(k->evp)};
    switch (EVP_PKEY_get_base_id(k->evp)) {
    case EVP_PKEY_RSA:
        info->type = TW_KEY_RSA;
        break;
    case EVP_PKEY_RSA_PSS:
        info->type = TW_KEY_RSA_PSS;
        break;
    case EVP_PKEY_EC: {
        char name[64];
        size_t n = 0;
        info->type = TW_KEY_EC;
        if (EVP_PKEY_get_group_name(k->evp, name, sizeof name, &n) == 1)
            info->group = group_of_nid(OBJ_txt2nid(name));
        break;
    }
    case EVP_PKEY_ED25519:
        info->type = TW_KEY_ED25519;
        break;
    case EVP_PKEY_ED448:
        info->type = TW_KEY_ED448;
        break;
    case EVP_PKEY_DSA:
        info->type = TW_KEY_DSA;
        break;
    default:
        info->type = TW_KEY_OTHER;
        break;
    }
}

static bool sign_digest(EVP_PKEY_CTX *ctx, const uint8_t *data, size_t len, struct tw_buf *sig)
{
    size_t n = 0;
    if (EVP_PKEY_sign(ctx, NULL, &n, data, len) != 1)
        return false;
    uint8_t *out = tw_buf_grow(sig, n);
    size_t room = n;
    bool ok = out != NULL && EVP_PKEY_sign(ctx, out, &n, data, len) == 1;
    if (out != NULL)
        sig->len -= ok ? room - n : room;
    return ok;
}

static bool sign_message(const struct tw_privkey *k, const uint8_t *data, size_t len,
                         struct tw_buf *sig)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    size_t n = 0;
    bool ok = m != NULL && EVP_DigestSignInit(m, NULL, NULL, NULL, k->evp) == 1 &&
              EVP_DigestSign(m, NULL, &n, data, len) == 1;
    uint8_t *out = ok ? tw_buf_grow(sig, n) : NULL;
    ok = out != NULL && EVP_DigestSign(m, out, &n, data, len) == 1;
    EVP_MD_CTX_free(m);
    return ok;
}

static bool sign(struct tw_privkey *k, enum tw_sig_kind kind, enum tw_hash_id hash,
                 const struct tw_view *parts, size_t n, struct tw_buf *sig)
{
    bool ok = false;
    if (kind == TW_SIG_EDDSA) {
        size_t len;
        uint8_t *all = join_parts(parts, n, &len);
        ok = all != NULL && sign_message(k, all, len, sig);
        free(all);
    } else {
        uint8_t digest[TW_HASH_MAX];
        size_t len = ctx_digest(k->ctx, hash, parts, n, digest);
        EVP_PKEY_CTX *ctx = len == 0 ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
        EVP_MD *md = ctx_md(k->ctx, hash);
        ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1;
        if (ok && kind == TW_SIG_RSA_PSS)
            ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
        if (ok && kind == TW_SIG_RSA_PKCS1)
            ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
        ok = ok && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 && sign_digest(ctx, digest, len, sig);
        EVP_PKEY_CTX_free(ctx);
    }
    if (!ok)
        ERR_clear_error();
    return ok;
}

static bool rsa_decrypt(struct tw_privkey *k, struct tw_view in, uint8_t out[48])
{
    uint8_t plain[2048];
    size_t n = sizeof plain;
    bool ready = RAND_bytes(out, 48) == 1;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
    if (ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_decrypt(ctx, plain, &n, in.data, in.len) == 1 && n == 48)
        memcpy(out, plain, 48);
    EVP_PKEY_CTX_free(ctx);
    tw_wipe(plain, sizeof plain);
    ERR_clear_error();
    return ready;
}

static bool privkey_spki(const struct tw_privkey *k, struct tw_buf *out)
{
    unsigned char *p = NULL;
    int n = i2d_PUBKEY(k->evp, &p);
    bool ok = n > 0 && tw_buf_add(out, p, (size_t)n);
    OPENSSL_free(p);
    return ok;
}

static void privkey_free(struct tw_privkey *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->evp);
    free(k);
}

void privkey_table(struct tw_crypto *t)
{
    t->privkey_info = privkey_info;
    t->sign = sign;
    t->rsa_decrypt = rsa_decrypt;
    t->privkey_spki = privkey_spki;
    t->privkey_free = privkey_free;
}
