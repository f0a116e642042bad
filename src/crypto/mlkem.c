/*
 * ML-KEM (FIPS 203). Coefficients are int16_t; products are reduced by Montgomery's method with
 * R = 2^16, sums by Barrett's, so nothing divides by q and nothing branches on a secret.
 */
#include "crypto/mlkem.h"

#include "crypto/keccak.h"

enum { Q = 3329, N = 256, MAX_K = 4, POLY_BYTES = 384 };
enum { Q_INV = -3327 };      /* q^-1 mod 2^16, signed */
enum { MONT_SQ = 1353 };     /* 2^32 mod q */
enum { INV_NTT_F = 1441 };   /* 2^32 / 128 mod q */

struct params {
    unsigned k, eta1, du, dv;
};
static const struct params sets[] = {{2, 3, 10, 4}, {3, 2, 10, 4}, {4, 2, 11, 5}};

typedef struct { int16_t c[N]; } poly;
typedef struct { poly p[MAX_K]; } polyvec;

/* 17^brv7(i) * 2^16 mod q, centred; FIPS 203 appendix A gives the plain powers. */
static const int16_t zetas[128] = {
    -1044, -758, -359, -1517, 1493, 1422, 287, 202, -171, 622, 1577, 182,
    962, -1202, -1474, 1468, 573, -1325, 264, 383, -829, 1458, -1602, -130,
    -681, 1017, 732, 608, -1542, 411, -205, -1571, 1223, 652, -552, 1015,
    -1293, 1491, -282, -1544, 516, -8, -320, -666, -1618, -1162, 126, 1469,
    -853, -90, -271, 830, 107, -1421, -247, -951, -398, 961, -1508, -725,
    448, -1065, 677, -1275, -1103, 430, 555, 843, -1251, 871, 1550, 105,
    422, 587, 177, -235, -291, -460, 1574, 1653, -246, 778, 1159, -147,
    -777, 1483, -602, 1119, -1590, 644, -872, 349, 418, 329, -156, -75,
    817, 1097, 603, 610, 1322, -1285, -1465, 384, -1215, -136, 1218, -1335,
    -874, 220, -1187, -1659, -1185, -1530, -1278, 794, -1510, -854, -870, 478,
    -108, -308, 996, 991, 958, -1460, 1522, 1628,
};

/* ---- arithmetic -------------------------------------------------------------------------------- */

static inline int16_t montgomery(int32_t a)
{
    int16_t t = (int16_t)((int16_t)a * (int16_t)Q_INV);
    return (int16_t)((a - (int32_t)t * Q) >> 16);
}

static inline int16_t mul(int16_t a, int16_t b)
{
    return montgomery((int32_t)a * b);
}

static inline int16_t barrett(int16_t a)
{
    int16_t t = (int16_t)((20159 * (int32_t)a + (1 << 25)) >> 26); /* 20159 = round(2^26 / q) */
    return (int16_t)(a - t * Q);
}

static void reduce(poly *a)
{
    for (size_t i = 0; i < N; i++)
        a->c[i] = barrett(a->c[i]);
}

/* Into 0..q-1, without a branch. */
static inline uint16_t canonical(int16_t a)
{
    int16_t r = barrett(a);
    return (uint16_t)(r + ((r >> 15) & Q));
}

static void add(poly *a, const poly *b)
{
    for (size_t i = 0; i < N; i++)
        a->c[i] = (int16_t)(a->c[i] + b->c[i]);
}

static void ntt(poly *a) /* algorithm 9 */
{
    size_t k = 1;
    for (size_t len = 128; len >= 2; len /= 2)
        for (size_t start = 0; start < N; start += 2 * len) {
            int16_t zeta = zetas[k++];
            for (size_t j = start; j < start + len; j++) {
                int16_t t = mul(zeta, a->c[j + len]);
                a->c[j + len] = (int16_t)(a->c[j] - t);
                a->c[j] = (int16_t)(a->c[j] + t);
            }
        }
    reduce(a);
}

static void inverse_ntt(poly *a) /* algorithm 10; result is multiplied by 2^16 */
{
    size_t k = 127;
    for (size_t len = 2; len <= 128; len *= 2)
        for (size_t start = 0; start < N; start += 2 * len) {
            int16_t zeta = zetas[k--];
            for (size_t j = start; j < start + len; j++) {
                int16_t t = a->c[j];
                a->c[j] = barrett((int16_t)(t + a->c[j + len]));
                a->c[j + len] = mul(zeta, (int16_t)(a->c[j + len] - t));
            }
        }
    for (size_t i = 0; i < N; i++)
        a->c[i] = mul(a->c[i], INV_NTT_F);
}

static void mul_add_ntt(poly *r, const poly *a, const poly *b) /* algorithms 11 and 12 */
{
    for (size_t i = 0; i < N / 4; i++) {
        for (size_t half = 0; half < 2; half++) {
            size_t j = 4 * i + 2 * half;
            int16_t zeta = half == 0 ? zetas[64 + i] : (int16_t)-zetas[64 + i];
            int16_t c0 = mul(mul(a->c[j + 1], b->c[j + 1]), zeta);
            c0 = (int16_t)(c0 + mul(a->c[j], b->c[j]));
            int16_t c1 = (int16_t)(mul(a->c[j], b->c[j + 1]) + mul(a->c[j + 1], b->c[j]));
            r->c[j] = (int16_t)(r->c[j] + c0);
            r->c[j + 1] = (int16_t)(r->c[j + 1] + c1);
        }
    }
}

static void dot(poly *r, const polyvec *a, const polyvec *b, unsigned k)
{
    memset(r, 0, sizeof *r);
    for (unsigned i = 0; i < k; i++)
        mul_add_ntt(r, &a->p[i], &b->p[i]);
    reduce(r);
}

/* ---- sampling -------------------------------------------------------------------------------------- */

static void sample_ntt(poly *a, const uint8_t rho[32], uint8_t i, uint8_t j) /* algorithm 7 */
{
    struct tw_keccak k;
    const uint8_t tail[2] = {i, j};
    tw_keccak_init(&k, 168);
    tw_keccak_absorb(&k, rho, 32);
    tw_keccak_absorb(&k, tail, 2);
    tw_keccak_finish(&k, 0x1f);
    size_t n = 0;
    while (n < N) { /* public data: its running time tells nothing secret */
        uint8_t b[168];
        tw_keccak_squeeze(&k, b, sizeof b);
        for (size_t at = 0; at < sizeof b && n < N; at += 3) {
            uint16_t d1 = (uint16_t)(b[at] | (b[at + 1] & 15) << 8);
            uint16_t d2 = (uint16_t)(b[at + 1] >> 4 | b[at + 2] << 4);
            if (d1 < Q)
                a->c[n++] = (int16_t)d1;
            if (d2 < Q && n < N)
                a->c[n++] = (int16_t)d2;
        }
    }
}

static void sample_cbd(poly *a, const uint8_t seed[32], uint8_t nonce, unsigned eta) /* algorithm 8 */
{
    uint8_t b[64 * 3];
    tw_shake256(seed, 32, &nonce, 1, b, 64 * eta);
    for (size_t i = 0; i < N; i++) {
        int x = 0;
        for (size_t j = 0; j < eta; j++) {
            size_t p = 2 * i * eta + j, q = p + eta;
            x += (b[p / 8] >> (p % 8)) & 1;
            x -= (b[q / 8] >> (q % 8)) & 1;
        }
        a->c[i] = (int16_t)x;
    }
    tw_wipe(b, sizeof b);
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

/* ByteEncode_d (algorithm 5) of values below 2^d. */
static void encode(uint8_t *out, const uint16_t v[N], unsigned d)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < N; i++) {
        acc |= (uint32_t)v[i] << bits;
        bits += d;
        while (bits >= 8) {
            *out++ = (uint8_t)acc;
            acc >>= 8;
            bits -= 8;
        }
    }
}

static void decode(uint16_t v[N], const uint8_t *in, unsigned d) /* algorithm 6 */
{
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < N; i++) {
        while (bits < d) {
            acc |= (uint32_t)*in++ << bits;
            bits += 8;
        }
        v[i] = (uint16_t)(acc & ((1u << d) - 1));
        acc >>= d;
        bits -= d;
    }
}

/* Compress_d (4.7): round(2^d / q * x) mod 2^d. 2^36 / q = 20642678.4; exact for x < q, d <= 11. */
static uint16_t compress(uint16_t x, unsigned d)
{
    uint64_t t = ((uint64_t)x << d) + Q / 2;
    return (uint16_t)((t * 20642679) >> 36 & ((1u << d) - 1));
}

static uint16_t decompress(uint16_t y, unsigned d) /* (4.8) */
{
    return (uint16_t)(((uint32_t)y * Q + (1u << (d - 1))) >> d);
}

static void put_poly(uint8_t *out, const poly *a, unsigned d)
{
    uint16_t v[N];
    for (size_t i = 0; i < N; i++)
        v[i] = d == 12 ? canonical(a->c[i]) : compress(canonical(a->c[i]), d);
    encode(out, v, d);
    tw_wipe(v, sizeof v);
}

static void get_poly(poly *a, const uint8_t *in, unsigned d)
{
    uint16_t v[N];
    decode(v, in, d);
    for (size_t i = 0; i < N; i++)
        a->c[i] = (int16_t)(d == 12 ? v[i] % Q : decompress(v[i], d));
    tw_wipe(v, sizeof v);
}

/* ---- K-PKE (algorithms 13 to 15) ----------------------------------------------------------------------- */

static void pke_keygen(const struct params *pr, const uint8_t d[32], uint8_t *ek, uint8_t *dk)
{
    uint8_t seed[33], g[64];
    polyvec s, row;
    poly t, e;
    memcpy(seed, d, 32);
    seed[32] = (uint8_t)pr->k;
    tw_sha3_512(seed, 33, g);
    for (unsigned i = 0; i < pr->k; i++) {
        sample_cbd(&s.p[i], g + 32, (uint8_t)i, pr->eta1);
        ntt(&s.p[i]);
        put_poly(dk + POLY_BYTES * i, &s.p[i], 12);
    }
    for (unsigned i = 0; i < pr->k; i++) {
        for (unsigned j = 0; j < pr->k; j++)
            sample_ntt(&row.p[j], g, (uint8_t)j, (uint8_t)i);
        dot(&t, &row, &s, pr->k);
        for (size_t c = 0; c < N; c++)
            t.c[c] = mul(t.c[c], MONT_SQ); /* the products left a factor 2^-16 */
        sample_cbd(&e, g + 32, (uint8_t)(pr->k + i), pr->eta1);
        ntt(&e);
        add(&t, &e);
        put_poly(ek + POLY_BYTES * i, &t, 12);
    }
    memcpy(ek + POLY_BYTES * pr->k, g, 32);
    tw_wipe(seed, sizeof seed);
    tw_wipe(g, sizeof g);
    tw_wipe(&s, sizeof s);
    tw_wipe(&e, sizeof e);
}

static void message_poly(poly *a, const uint8_t m[32])
{
    for (size_t i = 0; i < N; i++)
        a->c[i] = (int16_t)(-(int16_t)((m[i / 8] >> (i % 8)) & 1) & ((Q + 1) / 2));
}

static void pke_encrypt(const struct params *pr, const uint8_t *ek, const uint8_t m[32],
                        const uint8_t r[32], uint8_t *ct)
{
    polyvec y, row;
    poly acc, e;
    const uint8_t *rho = ek + POLY_BYTES * pr->k;
    for (unsigned i = 0; i < pr->k; i++) {
        sample_cbd(&y.p[i], r, (uint8_t)i, pr->eta1);
        ntt(&y.p[i]);
    }
    for (unsigned i = 0; i < pr->k; i++) {
        for (unsigned j = 0; j < pr->k; j++)
            sample_ntt(&row.p[j], rho, (uint8_t)i, (uint8_t)j); /* transposed */
        dot(&acc, &row, &y, pr->k);
        inverse_ntt(&acc);
        sample_cbd(&e, r, (uint8_t)(pr->k + i), 2);
        add(&acc, &e);
        put_poly(ct + 32 * pr->du * i, &acc, pr->du);
    }
    for (unsigned i = 0; i < pr->k; i++)
        get_poly(&row.p[i], ek + POLY_BYTES * i, 12);
    dot(&acc, &row, &y, pr->k);
    inverse_ntt(&acc);
    sample_cbd(&e, r, (uint8_t)(2 * pr->k), 2);
    add(&acc, &e);
    message_poly(&e, m);
    add(&acc, &e);
    put_poly(ct + 32 * pr->du * pr->k, &acc, pr->dv);
    tw_wipe(&y, sizeof y);
    tw_wipe(&acc, sizeof acc);
    tw_wipe(&e, sizeof e);
}

static void pke_decrypt(const struct params *pr, const uint8_t *dk, const uint8_t *ct, uint8_t m[32])
{
    polyvec u, s;
    poly v, w;
    for (unsigned i = 0; i < pr->k; i++) {
        get_poly(&u.p[i], ct + 32 * pr->du * i, pr->du);
        ntt(&u.p[i]);
        get_poly(&s.p[i], dk + POLY_BYTES * i, 12);
    }
    get_poly(&v, ct + 32 * pr->du * pr->k, pr->dv);
    dot(&w, &s, &u, pr->k);
    inverse_ntt(&w);
    for (size_t i = 0; i < N; i++)
        w.c[i] = (int16_t)(v.c[i] - w.c[i]);
    put_poly(m, &w, 1);
    tw_wipe(&s, sizeof s);
    tw_wipe(&w, sizeof w);
}

/* ---- ML-KEM (algorithms 16 to 18) ------------------------------------------------------------------------ */

size_t tw_mlkem_ek_len(enum tw_mlkem_set s)
{
    return POLY_BYTES * sets[s].k + 32;
}

size_t tw_mlkem_dk_len(enum tw_mlkem_set s)
{
    return 2 * POLY_BYTES * sets[s].k + 96;
}

size_t tw_mlkem_ct_len(enum tw_mlkem_set s)
{
    return 32 * (sets[s].du * sets[s].k + sets[s].dv);
}

void tw_mlkem_keygen(enum tw_mlkem_set s, const uint8_t d[32], const uint8_t z[32], uint8_t *ek,
                     uint8_t *dk)
{
    const struct params *pr = &sets[s];
    size_t ek_len = tw_mlkem_ek_len(s), at = POLY_BYTES * pr->k;
    pke_keygen(pr, d, ek, dk);
    memcpy(dk + at, ek, ek_len);
    tw_sha3_256(ek, ek_len, dk + at + ek_len);
    memcpy(dk + at + ek_len + 32, z, 32);
}

static bool ek_is_canonical(const struct params *pr, const uint8_t *ek)
{
    for (unsigned i = 0; i < pr->k; i++) {
        uint16_t v[N];
        decode(v, ek + POLY_BYTES * i, 12);
        for (size_t j = 0; j < N; j++)
            if (v[j] >= Q)
                return false;
    }
    return true;
}

bool tw_mlkem_encaps(enum tw_mlkem_set s, const uint8_t *ek, const uint8_t m[32], uint8_t *ct,
                     uint8_t ss[32])
{
    const struct params *pr = &sets[s];
    uint8_t in[64], g[64];
    if (!ek_is_canonical(pr, ek))
        return false;
    memcpy(in, m, 32);
    tw_sha3_256(ek, tw_mlkem_ek_len(s), in + 32);
    tw_sha3_512(in, 64, g);
    pke_encrypt(pr, ek, m, g + 32, ct);
    memcpy(ss, g, 32);
    tw_wipe(in, sizeof in);
    tw_wipe(g, sizeof g);
    return true;
}

void tw_mlkem_decaps(enum tw_mlkem_set s, const uint8_t *dk, const uint8_t *ct, uint8_t ss[32])
{
    const struct params *pr = &sets[s];
    size_t ek_len = tw_mlkem_ek_len(s), ct_len = tw_mlkem_ct_len(s), at = POLY_BYTES * pr->k;
    const uint8_t *ek = dk + at, *h = ek + ek_len, *z = h + 32;
    uint8_t in[64], g[64], reject[32], again[1568], diff = 0;
    pke_decrypt(pr, dk, ct, in);
    memcpy(in + 32, h, 32);
    tw_sha3_512(in, 64, g);
    tw_shake256(z, 32, ct, ct_len, reject, 32);
    pke_encrypt(pr, ek, in, g + 32, again);
    for (size_t i = 0; i < ct_len; i++)
        diff |= (uint8_t)(again[i] ^ ct[i]);
    /* 0xff when they differ, without a branch */
    uint8_t mask = (uint8_t)-(int)((uint32_t)(0u - diff) >> 31);
    for (size_t i = 0; i < 32; i++)
        ss[i] = (uint8_t)((g[i] & ~mask) | (reject[i] & mask));
    tw_wipe(in, sizeof in);
    tw_wipe(g, sizeof g);
    tw_wipe(reject, sizeof reject);
}
