/* Record ciphers: AEAD, CBC, stream, NULL. One EVP context per direction, re-keyed never. */
#include "crypto/crypto_internal.h"

struct tw_bulk_key {
    EVP_CIPHER_CTX *ctx;      /* NULL: no encryption */
    const struct tw_bulk_info *info;
    bool encrypt, ccm, stream;
};

static bool has_bulk(void *ctx, enum tw_bulk b)
{
    return b == TW_BULK_NULL || ctx_cipher(ctx, b) != NULL;
}

static void bulk_free(struct tw_bulk_key *k)
{
    if (k == NULL)
        return;
    EVP_CIPHER_CTX_free(k->ctx);
    free(k);
}

static bool is_ccm(enum tw_bulk b)
{
    return b == TW_BULK_AES128_CCM || b == TW_BULK_AES256_CCM || b == TW_BULK_AES128_CCM8 ||
           b == TW_BULK_AES256_CCM8 || b == TW_BULK_SM4_CCM;
}

/* Lengths are set before the key: CCM schedules by them. */
static bool set_up(struct tw_bulk_key *k, EVP_CIPHER *cipher, struct tw_view key)
{
    int enc = k->encrypt ? 1 : 0;
    if (EVP_CipherInit_ex2(k->ctx, cipher, NULL, NULL, enc, NULL) != 1)
        return false;
    if (k->info->tag_len > 0) {
        if (EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) != 1)
            return false;
        if (k->ccm && EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, k->info->tag_len, NULL) != 1)
            return false;
    } else if (k->stream && EVP_CIPHER_CTX_set_key_length(k->ctx, (int)key.len) != 1) {
        return false;
    }
    if ((size_t)EVP_CIPHER_CTX_get_key_length(k->ctx) != key.len)
        return false;
    static const uint8_t zero_iv[16] = {0}; /* CBC contexts want one; each record sets its own */
    if (EVP_CipherInit_ex2(k->ctx, NULL, key.data, k->info->tag_len > 0 ? NULL : zero_iv, enc,
                           NULL) != 1)
        return false;
    return EVP_CIPHER_CTX_set_padding(k->ctx, 0) == 1;
}

static struct tw_bulk_key *bulk_new(void *ctx, enum tw_bulk b, struct tw_view key, bool encrypt)
{
    EVP_CIPHER *cipher = ctx_cipher(ctx, b);
    if (cipher == NULL && b != TW_BULK_NULL)
        return NULL;
    struct tw_bulk_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->info = tw_bulk_info(b);
    k->encrypt = encrypt;
    k->ccm = is_ccm(b);
    k->stream = b == TW_BULK_RC4_128 || b == TW_BULK_RC4_40;
    if (b == TW_BULK_NULL)
        return k;
    k->ctx = EVP_CIPHER_CTX_new();
    if (k->ctx == NULL || !set_up(k, cipher, key)) {
        ERR_clear_error();
        bulk_free(k);
        return NULL;
    }
    return k;
}

static bool add_aad(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad, size_t len)
{
    int n;
    if (EVP_CipherInit_ex2(k->ctx, NULL, NULL, nonce, -1, NULL) != 1)
        return false;
    if (k->ccm && EVP_CipherUpdate(k->ctx, NULL, &n, NULL, (int)len) != 1)
        return false;
    return aad.len == 0 || EVP_CipherUpdate(k->ctx, NULL, &n, aad.data, (int)aad.len) == 1;
}

static bool seal(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                 struct tw_view plain, uint8_t *out)
{
    int n = 0, end = 0;
    static const uint8_t nothing[1];
    const uint8_t *in = plain.len == 0 ? nothing : plain.data;
    if (!add_aad(k, nonce, aad, plain.len))
        return false;
    if ((plain.len > 0 || k->ccm) &&
        EVP_CipherUpdate(k->ctx, out, &n, in, (int)plain.len) != 1)
        return false;
    if (!k->ccm && EVP_CipherFinal_ex(k->ctx, out + n, &end) != 1)
        return false;
    return EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_GET_TAG, k->info->tag_len,
                               out + plain.len) == 1;
}

static bool open_aead(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                      struct tw_view in, uint8_t *out)
{
    size_t tag_len = k->info->tag_len;
    uint8_t tag[16];
    int n = 0, end = 0;
    if (in.len < tag_len)
        return false;
    size_t len = in.len - tag_len;
    memcpy(tag, in.data + len, tag_len);
    if (k->ccm) { /* the tag comes before the nonce, the text is released only when it fits */
        if (EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, tag) != 1 ||
            !add_aad(k, nonce, aad, len))
            return false;
        return EVP_CipherUpdate(k->ctx, out, &n, in.data, (int)len) == 1;
    }
    if (!add_aad(k, nonce, aad, len))
        return false;
    if (len > 0 && EVP_CipherUpdate(k->ctx, out, &n, in.data, (int)len) != 1)
        return false;
    return EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, tag) == 1 &&
           EVP_CipherFinal_ex(k->ctx, out + n, &end) == 1;
}

static bool aead_open(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                      struct tw_view in, uint8_t *out)
{
    bool ok = open_aead(k, nonce, aad, in, out);
    if (!ok)
        ERR_clear_error();
    return ok;
}

static bool crypt(struct tw_bulk_key *k, const uint8_t *iv, struct tw_view in, uint8_t *out)
{
    if (k->ctx == NULL) {
        if (in.len > 0)
            memmove(out, in.data, in.len);
        return true;
    }
    if (in.len == 0)
        return true;
    int n = 0;
    if (!k->stream && EVP_CipherInit_ex2(k->ctx, NULL, NULL, iv, -1, NULL) != 1)
        return false;
    return EVP_CipherUpdate(k->ctx, out, &n, in.data, (int)in.len) == 1 && (size_t)n == in.len;
}

void bulk_table(struct tw_crypto *t)
{
    t->has_bulk = has_bulk;
    t->bulk_new = bulk_new;
    t->seal = seal;
    t->open = aead_open;
    t->crypt = crypt;
    t->bulk_free = bulk_free;
}
