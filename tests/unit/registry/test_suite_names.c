/*
 * The columns of every suite against its name: key exchange and authentication are read from the
 * part before _WITH_, cipher and MAC from the part after it, and compared with the row.
 */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

struct expected {
    enum tw_kx kx;
    enum tw_auth auth;
    enum tw_bulk bulk;
    enum tw_mac mac;
    enum tw_hash_id prf;
};

static const struct {
    const char *text;
    enum tw_kx kx;
    enum tw_auth auth;
} exchanges[] = {
    {"NULL", TW_KX_NULL, TW_AUTH_NULL},
    {"RSA", TW_KX_RSA, TW_AUTH_RSA},
    {"RSA_FIPS", TW_KX_RSA, TW_AUTH_RSA},
    {"RSA_OLDFIPS", TW_KX_RSA, TW_AUTH_RSA},
    {"DH_RSA", TW_KX_DH, TW_AUTH_RSA},
    {"DH_DSS", TW_KX_DH, TW_AUTH_DSS},
    {"DHE_RSA", TW_KX_DHE, TW_AUTH_RSA},
    {"DHE_DSS", TW_KX_DHE, TW_AUTH_DSS},
    {"DH_anon", TW_KX_DHE, TW_AUTH_ANON},
    {"ECDH_RSA", TW_KX_ECDH, TW_AUTH_RSA},
    {"ECDH_ECDSA", TW_KX_ECDH, TW_AUTH_ECDSA},
    {"ECDHE_RSA", TW_KX_ECDHE, TW_AUTH_RSA},
    {"ECDHE_ECDSA", TW_KX_ECDHE, TW_AUTH_ECDSA},
    {"ECDH_anon", TW_KX_ECDHE, TW_AUTH_ANON},
    {"PSK", TW_KX_PSK, TW_AUTH_PSK},
    {"DHE_PSK", TW_KX_DHE_PSK, TW_AUTH_PSK},
    {"PSK_DHE", TW_KX_DHE_PSK, TW_AUTH_PSK},
    {"ECDHE_PSK", TW_KX_ECDHE_PSK, TW_AUTH_PSK},
    {"RSA_PSK", TW_KX_RSA_PSK, TW_AUTH_RSA},
    {"SRP_SHA", TW_KX_SRP, TW_AUTH_SRP},
    {"SRP_SHA_RSA", TW_KX_SRP, TW_AUTH_RSA},
    {"SRP_SHA_DSS", TW_KX_SRP, TW_AUTH_DSS},
    {"KRB5", TW_KX_KRB5, TW_AUTH_KRB5},
    {"ECCPWD", TW_KX_ECCPWD, TW_AUTH_OTHER},
    {"GOSTR341094", TW_KX_GOST, TW_AUTH_GOST},
    {"GOSTR341001", TW_KX_GOST, TW_AUTH_GOST},
    {"GOSTR341112_256", TW_KX_GOST, TW_AUTH_GOST},
    {"CECPQ1_RSA", TW_KX_OTHER, TW_AUTH_RSA},
    {"CECPQ1_ECDSA", TW_KX_OTHER, TW_AUTH_ECDSA},
    {"FORTEZZA_KEA", TW_KX_OTHER, TW_AUTH_OTHER},
};

/* Longer texts come before their prefixes. */
static const struct {
    const char *text;
    enum tw_bulk bulk;
    bool aead;
} ciphers[] = {
    {"AES_128_CBC", TW_BULK_AES128_CBC, false},
    {"AES_256_CBC", TW_BULK_AES256_CBC, false},
    {"AES_128_GCM", TW_BULK_AES128_GCM, true},
    {"AES_256_GCM", TW_BULK_AES256_GCM, true},
    {"AES_128_CCM_8", TW_BULK_AES128_CCM8, true},
    {"AES_256_CCM_8", TW_BULK_AES256_CCM8, true},
    {"AES_128_CCM", TW_BULK_AES128_CCM, true},
    {"AES_256_CCM", TW_BULK_AES256_CCM, true},
    {"CAMELLIA_128_CBC", TW_BULK_CAMELLIA128_CBC, false},
    {"CAMELLIA_256_CBC", TW_BULK_CAMELLIA256_CBC, false},
    {"CAMELLIA_128_GCM", TW_BULK_CAMELLIA128_GCM, true},
    {"CAMELLIA_256_GCM", TW_BULK_CAMELLIA256_GCM, true},
    {"ARIA_128_CBC", TW_BULK_ARIA128_CBC, false},
    {"ARIA_256_CBC", TW_BULK_ARIA256_CBC, false},
    {"ARIA_128_GCM", TW_BULK_ARIA128_GCM, true},
    {"ARIA_256_GCM", TW_BULK_ARIA256_GCM, true},
    {"CHACHA20_POLY1305", TW_BULK_CHACHA20_POLY1305, true},
    {"SM4_GCM", TW_BULK_SM4_GCM, true},
    {"SM4_CCM", TW_BULK_SM4_CCM, true},
    {"3DES_EDE_CBC", TW_BULK_3DES, false},
    {"DES40_CBC", TW_BULK_DES40, false},
    {"DES_CBC_40", TW_BULK_DES40, false},
    {"DES_CBC", TW_BULK_DES, false},
    {"RC4_40", TW_BULK_RC4_40, false},
    {"RC4_56", TW_BULK_OTHER, false},
    {"RC4_128", TW_BULK_RC4_128, false},
    {"RC2_CBC_40", TW_BULK_RC2_40, false},
    {"RC2_CBC_56", TW_BULK_OTHER, false},
    {"IDEA_CBC", TW_BULK_IDEA, false},
    {"SEED_CBC", TW_BULK_SEED, false},
    {"FORTEZZA_CBC", TW_BULK_OTHER, false},
    {"28147_CNT", TW_BULK_GOST, false},
    {"KUZNYECHIK_CTR", TW_BULK_GOST, false},
    {"MAGMA_CTR", TW_BULK_GOST, false},
    {"KUZNYECHIK_MGM", TW_BULK_GOST, true},
    {"MAGMA_MGM", TW_BULK_GOST, true},
    {"ASCONAEAD128", TW_BULK_OTHER, true},
    {"AEGIS_256", TW_BULK_OTHER, true},
    {"AEGIS_128L", TW_BULK_OTHER, true},
    {"SHA256", TW_BULK_NULL, false}, /* RFC 9150: integrity only */
    {"SHA384", TW_BULK_NULL, false},
    {"NULL", TW_BULK_NULL, false},
};

static const struct {
    const char *text;
    enum tw_mac mac;
    enum tw_hash_id prf;
} hashes[] = {
    {"", TW_MAC_NULL, TW_HASH_SHA256}, /* CCM of RFC 6655: the default PRF */
    {"NULL", TW_MAC_NULL, TW_HASH_SHA256},
    {"MD5", TW_MAC_MD5, TW_HASH_SHA256},
    {"SHA", TW_MAC_SHA1, TW_HASH_SHA256},
    {"SHA256", TW_MAC_SHA256, TW_HASH_SHA256},
    {"SHA384", TW_MAC_SHA384, TW_HASH_SHA384},
    {"SHA512", TW_MAC_OTHER, TW_HASH_SHA512},
    {"SM3", TW_MAC_OTHER, TW_HASH_SM3},
    {"ASCONHASH256", TW_MAC_OTHER, TW_HASH_NONE},
    {"IMIT", TW_MAC_OTHER, TW_HASH_NONE},
    {"IMIT_LEGACY", TW_MAC_OTHER, TW_HASH_NONE},
    {"OMAC", TW_MAC_OTHER, TW_HASH_NONE},
    {"GOSTR3411", TW_MAC_OTHER, TW_HASH_NONE},
    {"L", TW_MAC_OTHER, TW_HASH_NONE},
    {"S", TW_MAC_OTHER, TW_HASH_NONE},
    {"SHA256_OLD", TW_MAC_SHA256, TW_HASH_SHA256},
};

static void read_exchange(const char *text, size_t len, struct expected *e)
{
    static const char *const export_marks[] = {"_EXPORT", "_EXPORT1024"};

    for (size_t k = 0; k < TW_ARRAY_LEN(export_marks); k++) {
        size_t n = strlen(export_marks[k]);
        if (len > n && memcmp(text + len - n, export_marks[k], n) == 0)
            len -= n;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(exchanges); i++)
        if (strlen(exchanges[i].text) == len && memcmp(exchanges[i].text, text, len) == 0) {
            e->kx = exchanges[i].kx;
            e->auth = exchanges[i].auth;
            return;
        }
    fail_msg("no key exchange of that name: %.*s", (int)len, text);
}

static void read_protection(const char *text, struct expected *e)
{
    size_t i, h, n;
    bool aead;

    for (i = 0; i < TW_ARRAY_LEN(ciphers); i++) {
        n = strlen(ciphers[i].text);
        if (strncmp(text, ciphers[i].text, n) == 0 && (text[n] == '_' || text[n] == '\0'))
            break;
    }
    if (i == TW_ARRAY_LEN(ciphers))
        fail_msg("no cipher of that name: %s", text);
    e->bulk = ciphers[i].bulk;
    aead = ciphers[i].aead;
    text += n + (text[n] == '_' ? 1 : 0);
    for (h = 0; h < TW_ARRAY_LEN(hashes); h++)
        if (strcmp(text, hashes[h].text) == 0)
            break;
    if (h == TW_ARRAY_LEN(hashes))
        fail_msg("no hash of that name: %s", text);
    e->mac = aead ? TW_MAC_AEAD : hashes[h].mac;
    e->prf = hashes[h].prf;
    if (strstr(text, "_OLD") != NULL) /* drafts with another nonce: not RFC 7905's cipher */
        e->bulk = TW_BULK_OTHER;
}

static void columns_follow_from_the_name(void **state)
{
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; tw_suite_at(i) != NULL; i++) {
        const struct tw_suite *s = tw_suite_at(i);
        struct expected e = {TW_KX_TLS13, TW_AUTH_TLS13, TW_BULK_NULL, TW_MAC_NULL, TW_HASH_NONE};
        const char *body = s->name + 4; /* after TLS_ or SSL_ */
        const char *with = strstr(body, "_WITH_");

        if ((s->flags & TW_SUITE_SCSV) != 0)
            continue;
        if (with != NULL)
            read_exchange(body, (size_t)(with - body), &e);
        if (strstr(body, "_MGM_") != NULL) { /* RFC 9367: _WITH_, but suites of TLS 1.3 */
            e.kx = TW_KX_TLS13;
            e.auth = TW_AUTH_TLS13;
        }
        read_protection(with == NULL ? body : with + 6, &e);
        if (e.kx != s->kx || e.auth != s->auth || e.bulk != s->bulk || e.mac != s->mac ||
            e.prf != s->prf)
            fail_msg("%s: kx %d/%d auth %d/%d bulk %d/%d mac %d/%d prf %d/%d", s->name, s->kx, e.kx,
                     s->auth, e.auth, s->bulk, e.bulk, s->mac, e.mac, s->prf, e.prf);
        checked++;
    }
    assert_true(checked >= 370);
}

static void flags_follow_from_the_columns(void **state)
{
    (void)state;
    for (size_t i = 0; tw_suite_at(i) != NULL; i++) {
        const struct tw_suite *s = tw_suite_at(i);
        bool named_export = strstr(s->name, "_EXPORT") != NULL;
        bool tls13 = s->kx == TW_KX_TLS13;

        assert_true(named_export == ((s->flags & TW_SUITE_EXPORT) != 0));
        assert_true(tls13 == (s->min_version == TW_TLS13));
        if ((s->flags & TW_SUITE_SCSV) != 0)
            continue;
        assert_true(tls13 == (s->max_version == TW_TLS13));
        if (named_export || s->bulk == TW_BULK_NULL || s->bulk == TW_BULK_RC4_128 ||
            s->bulk == TW_BULK_DES || s->auth == TW_AUTH_ANON)
            assert_true((s->flags & TW_SUITE_WEAK) != 0);
        if (s->bulk == TW_BULK_AES128_CBC || s->bulk == TW_BULK_3DES || s->mac == TW_MAC_AEAD)
            assert_true((s->flags & TW_SUITE_LEGACY_PROVIDER) == 0);
        if (s->mac == TW_MAC_AEAD)
            assert_true(s->min_version >= TW_TLS12 || s->kx == TW_KX_GOST);
        if (s->kx == TW_KX_ECDH || s->kx == TW_KX_ECDHE || s->kx == TW_KX_ECDHE_PSK)
            assert_true(s->min_version >= TW_TLS10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_follow_from_the_name),
        cmocka_unit_test(flags_follow_from_the_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
