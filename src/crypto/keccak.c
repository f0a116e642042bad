/* Keccak-f[1600] in 64-bit lanes (FIPS 202 3.2), and the sponge around it. */
#include "crypto/keccak.h"

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

/* rho and pi in one walk: lane j moves on and is rotated by r[i]. */
static void rho_pi(uint64_t a[25])
{
    static const uint8_t lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                     15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
    static const uint8_t r[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                  27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
    uint64_t t = a[1];
#pragma GCC unroll 24
    for (size_t i = 0; i < 24; i++) {
        uint64_t next = a[lane[i]];
        a[lane[i]] = rotl(t, r[i]);
        t = next;
    }
}

/* Unrolled, so that indices modulo 5 are constants also where the compiler would not by itself. */
static void permute(uint64_t a[25])
{
    for (size_t round = 0; round < 24; round++) {
        uint64_t c[5], d;
#pragma GCC unroll 5
        for (size_t x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (size_t x = 0; x < 5; x++) {
            d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
#pragma GCC unroll 5
            for (size_t y = 0; y < 25; y += 5)
                a[x + y] ^= d;
        }
        rho_pi(a);
#pragma GCC unroll 5
        for (size_t y = 0; y < 25; y += 5) {
            uint64_t b[5] = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
#pragma GCC unroll 5
            for (size_t x = 0; x < 5; x++)
                a[y + x] = b[x] ^ (~b[(x + 1) % 5] & b[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}

void tw_keccak_init(struct tw_keccak *k, size_t rate)
{
    *k = (struct tw_keccak){.rate = rate};
}

static void xor_byte(struct tw_keccak *k, size_t at, uint8_t v)
{
    k->a[at / 8] ^= (uint64_t)v << (8 * (at % 8));
}

void tw_keccak_absorb(struct tw_keccak *k, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        xor_byte(k, k->at++, p[i]);
        if (k->at == k->rate) {
            permute(k->a);
            k->at = 0;
        }
    }
}

void tw_keccak_finish(struct tw_keccak *k, uint8_t suffix)
{
    xor_byte(k, k->at, suffix);
    xor_byte(k, k->rate - 1, 0x80);
    permute(k->a);
    k->at = 0;
}

void tw_keccak_squeeze(struct tw_keccak *k, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (k->at == k->rate) {
            permute(k->a);
            k->at = 0;
        }
        out[i] = (uint8_t)(k->a[k->at / 8] >> (8 * (k->at % 8)));
        k->at++;
    }
}

static void hash(size_t rate, const uint8_t *p, size_t n, uint8_t *out, size_t len)
{
    struct tw_keccak k;
    tw_keccak_init(&k, rate);
    tw_keccak_absorb(&k, p, n);
    tw_keccak_finish(&k, 0x06);
    tw_keccak_squeeze(&k, out, len);
    tw_wipe(&k, sizeof k);
}

void tw_sha3_256(const uint8_t *p, size_t n, uint8_t out[32])
{
    hash(136, p, n, out, 32);
}

void tw_sha3_512(const uint8_t *p, size_t n, uint8_t out[64])
{
    hash(72, p, n, out, 64);
}

void tw_shake256(const uint8_t *p, size_t n, const uint8_t *q, size_t m, uint8_t *out, size_t len)
{
    struct tw_keccak k;
    tw_keccak_init(&k, 136);
    tw_keccak_absorb(&k, p, n);
    tw_keccak_absorb(&k, q, m);
    tw_keccak_finish(&k, 0x1f);
    tw_keccak_squeeze(&k, out, len);
    tw_wipe(&k, sizeof k);
}
