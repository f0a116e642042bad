/*
 * Keys and certificates as files hold them. The PEM scanner is our own, since a bundle of 150
 * certificates is read at every start and only base64 is to be undone; keys and PKCS#12 go through
 * libcrypto.
 */
#include "crypto/crypto_internal.h"

/* ---- PEM certificates ------------------------------------------------------------------------------ */

/* Value + 1 of each base64 character, 64+1 for white space, 0 for what does not belong. */
enum { SPACE = 65 };
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
    [' '] = SPACE, ['\t'] = SPACE, ['\r'] = SPACE, ['\n'] = SPACE,
};

/* Appends the decoded bytes; false when a character is neither base64 nor white space. */
static bool base64(struct tw_view in, struct tw_buf *out)
{
    uint8_t *p = tw_buf_grow(out, in.len / 4 * 3 + 3);
    size_t n = 0;
    uint32_t acc = 0;
    unsigned bits = 0, pad = 0;
    if (p == NULL)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < in.len; i++) {
        unsigned v = base64_values[in.data[i]];
        if (v == SPACE)
            continue;
        if (in.data[i] == '=') {
            pad++;
            continue;
        }
        ok = v != 0 && pad == 0;
        acc = acc << 6 | ((v - 1) & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            p[n++] = (uint8_t)(acc >> bits);
        }
    }
    ok = ok && pad <= 2 && bits < 6 && n > 0;
    out->len -= in.len / 4 * 3 + 3 - (ok ? n : 0);
    return ok;
}

static bool find(struct tw_view v, size_t from, const char *needle, size_t *at)
{
    if (from >= v.len) /* also where there is no data at all */
        return false;
    const void *p = memmem(v.data + from, v.len - from, needle, strlen(needle));
    if (p == NULL)
        return false;
    *at = (size_t)((const uint8_t *)p - v.data);
    return true;
}

static bool is_cert_label(struct tw_view label)
{
    return tw_view_eq(label, tw_view_str("CERTIFICATE")) ||
           tw_view_eq(label, tw_view_str("X509 CERTIFICATE")) ||
           tw_view_eq(label, tw_view_str("TRUSTED CERTIFICATE"));
}

/* Length of the first DER element, 0 when not even that is whole, as in a file that was cut. */
static size_t first_element(struct tw_view der)
{
    struct tw_reader r = tw_rd_of(der);
    tw_rd_u8(&r, "tag");
    size_t len = tw_rd_u8(&r, "length");
    if (len >= 0x80)
        len = (len & 0x7f) >= 1 && (len & 0x7f) <= 4 ? (size_t)tw_rd_uint(&r, len & 0x7f, "length")
                                                     : SIZE_MAX;
    return tw_rd_ok(&r) && len <= tw_rd_left(&r) ? r.pos + len : 0;
}

typedef bool label_fn(struct tw_view label, const char *want);

static bool is_label(struct tw_view label, const char *want)
{
    return tw_view_eq(label, tw_view_str(want));
}

static bool is_any_cert(struct tw_view label, const char *want)
{
    (void)want;
    return is_cert_label(label);
}

/* Next block whose label is wanted, decoded to the end of out; *label is the one it had. */
static bool next_block(struct tw_view pem, size_t *pos, label_fn *wanted, const char *want,
                       struct tw_buf *out, size_t *damaged, struct tw_view *label)
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----", finish[] = "-----END ";
    size_t at, label_end, body_end;
    while (find(pem, *pos, begin, &at)) {
        at += sizeof begin - 1;
        if (!find(pem, at, dashes, &label_end))
            break;
        *label = tw_view_sub(pem, at, label_end - at);
        size_t body = label_end + sizeof dashes - 1;
        *pos = body;
        if (!wanted(*label, want))
            continue;
        size_t next_begin = pem.len;
        find(pem, body, begin, &next_begin);
        if (!find(pem, body, finish, &body_end) || body_end > next_begin) {
            ++*damaged; /* cut off */
            continue;
        }
        *pos = body_end + sizeof finish - 1;
        if (base64(tw_view_sub(pem, body, body_end - body), out))
            return true;
        ++*damaged;
    }
    *pos = pem.len;
    return false;
}

bool tw_pem_next_block(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *damaged,
                       bool *with_trust)
{
    struct tw_view label;
    if (!next_block(pem, pos, is_any_cert, NULL, out, damaged, &label))
        return false;
    *with_trust = is_label(label, "TRUSTED CERTIFICATE");
    return true;
}

bool tw_pem_next(struct tw_view pem, size_t *pos, const char *label, struct tw_buf *out,
                 size_t *damaged)
{
    struct tw_view found;
    return next_block(pem, pos, is_label, label, out, damaged, &found);
}

bool tw_pem_next_anchor(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *cert_len,
                        size_t *damaged)
{
    size_t start = out->len;
    struct tw_view label;
    if (!next_block(pem, pos, is_any_cert, NULL, out, damaged, &label))
        return false;
    *cert_len = out->len - start;
    /* TRUSTED CERTIFICATE: OpenSSL's settings stand behind it */
    size_t first = first_element(tw_view_of(out->data + start, out->len - start));
    if (label.data[0] == 'T' && first > 0)
        *cert_len = first;
    return true;
}

bool tw_pem_next_cert(struct tw_view pem, size_t *pos, struct tw_buf *out, size_t *damaged)
{
    size_t start = out->len, cert_len;
    if (!tw_pem_next_anchor(pem, pos, out, &cert_len, damaged))
        return false;
    out->len = start + cert_len;
    return true;
}

/* ---- credentials --------------------------------------------------------------------------------------- */

void tw_credential_free(struct tw_credential *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->chain_n; i++)
        free((void *)(uintptr_t)c->chain[i].data);
    if (c->key != NULL)
        c->crypto->privkey_free(c->key);
    free(c);
}

static bool add_chain(struct tw_credential *c, struct tw_view der)
{
    if (c->chain_n == TW_ARRAY_LEN(c->chain))
        return true; /* more than any peer takes */
    uint8_t *p = malloc(der.len == 0 ? 1 : der.len);
    if (p == NULL)
        return false;
    memcpy(p, der.data, der.len);
    c->chain[c->chain_n++] = tw_view_of(p, der.len);
    return true;
}

static bool take_key(struct tw_credential *c, EVP_PKEY *evp)
{
    c->key = calloc(1, sizeof *c->key);
    if (c->key == NULL) {
        EVP_PKEY_free(evp);
        return false;
    }
    c->key->ctx = c->crypto->ctx;
    c->key->evp = evp;
    return true;
}

struct password {
    const char *given;
    bool asked;
};

static int on_password(char *buf, int size, int rwflag, void *user)
{
    (void)rwflag;
    struct password *p = user;
    p->asked = true;
    size_t n = p->given == NULL ? 0 : strlen(p->given);
    if (p->given == NULL || n > (size_t)size)
        return -1;
    memcpy(buf, p->given, n);
    return (int)n;
}

static EVP_PKEY *read_key(struct tw_view text, struct password *pw)
{
    BIO *b = BIO_new_mem_buf(text.data, (int)text.len);
    EVP_PKEY *k = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, on_password, pw);
    BIO_free(b);
    if (k == NULL && text.len > 0 && text.data[0] == 0x30) {
        const unsigned char *p = text.data;
        k = d2i_AutoPrivateKey(NULL, &p, (long)text.len);
    }
    ERR_clear_error();
    return k;
}

static enum tw_status load_pkcs12(struct tw_credential *c, struct tw_view in, const char *password,
                                  const char **why)
{
    const unsigned char *p = in.data;
    PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)in.len);
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *more = NULL;
    if (p12 == NULL)
        return TW_NEED_INPUT; /* something else */
    enum tw_status st = TW_E_INPUT;
    if (PKCS12_parse(p12, password == NULL ? "" : password, &key, &leaf, &more) != 1) {
        *why = password == NULL ? "the PKCS#12 file is encrypted and no password was given"
                                : "the password does not open the PKCS#12 file (or it uses an "
                                  "algorithm that this libcrypto has switched off)";
    } else if (leaf == NULL || key == NULL) {
        *why = leaf == NULL ? "no certificate in the PKCS#12 file" : "no key in the PKCS#12 file";
    } else {
        bool ok = take_key(c, key);
        int more_n = more == NULL ? 0 : sk_X509_num(more); /* -1 for NULL */
        key = NULL;
        for (int i = -1; ok && i < more_n; i++) {
            unsigned char *der = NULL;
            int n = i2d_X509(i < 0 ? leaf : sk_X509_value(more, i), &der);
            ok = n > 0 && add_chain(c, tw_view_of(der, (size_t)n));
            OPENSSL_free(der);
        }
        st = ok ? TW_OK : TW_E_NOMEM;
    }
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(more, X509_free);
    PKCS12_free(p12);
    ERR_clear_error();
    return st;
}

static enum tw_status load_chain(struct tw_credential *c, struct tw_view cert, const char **why)
{
    struct tw_buf der;
    tw_buf_init(&der, 1 << 20);
    size_t pos = 0, damaged = 0;
    bool ok = true;
    while (ok && tw_pem_next_cert(cert, &pos, &der, &damaged)) {
        damaged += first_element(tw_buf_view(&der)) == 0;
        ok = add_chain(c, tw_buf_view(&der));
        der.len = 0;
    }
    tw_buf_cleanup(&der);
    const unsigned char *p = cert.data;
    X509 *x = c->chain_n == 0 && cert.len > 0 ? d2i_X509(NULL, &p, (long)cert.len) : NULL;
    if (x != NULL)
        ok = add_chain(c, cert);
    X509_free(x);
    ERR_clear_error();
    if (c->chain_n == 0 || damaged > 0) {
        *why = damaged > 0 ? "a certificate in it is damaged" : "no certificate in it";
        return TW_E_INPUT;
    }
    return ok ? TW_OK : TW_E_NOMEM;
}

static enum tw_status load_key(struct tw_credential *c, struct tw_view cert, struct tw_view key,
                               const char *password, const char **why)
{
    struct password pw = {password, false};
    EVP_PKEY *evp = read_key(key.len > 0 ? key : cert, &pw);
    if (evp == NULL && key.len == 0 && !pw.asked)
        return TW_OK; /* a chain alone */
    if (evp == NULL) {
        *why = !pw.asked          ? "no private key in it"
               : password == NULL ? "the key is encrypted and no password was given"
                                  : "the password does not open the key";
        return TW_E_INPUT;
    }
    if (!take_key(c, evp))
        return TW_E_NOMEM;
    const unsigned char *p = c->chain[0].data;
    X509 *leaf = d2i_X509(NULL, &p, (long)c->chain[0].len);
    bool match = leaf == NULL || X509_check_private_key(leaf, evp) == 1;
    X509_free(leaf);
    ERR_clear_error();
    if (match)
        return TW_OK;
    *why = "the key does not belong to the certificate";
    return TW_E_INPUT;
}

enum tw_status tw_credential_load(struct tw_crypto *crypto, struct tw_view cert,
                                  struct tw_view key, const char *password,
                                  struct tw_credential **out, const char **why)
{
    *out = NULL;
    *why = "out of memory";
    if (cert.len > INT32_MAX || key.len > INT32_MAX)
        return TW_E_LIMIT;
    struct tw_credential *c = calloc(1, sizeof *c);
    if (c == NULL)
        return TW_E_NOMEM;
    c->crypto = crypto;
    enum tw_status st = TW_NEED_INPUT;
    if (cert.len > 0 && cert.data[0] == 0x30)
        st = load_pkcs12(c, cert, password, why);
    if (st == TW_NEED_INPUT) {
        st = load_chain(c, cert, why);
        if (st == TW_OK)
            st = load_key(c, cert, key, password, why);
    }
    if (st != TW_OK) {
        tw_credential_free(c);
        return st;
    }
    *out = c;
    return TW_OK;
}
