/* Views and small helpers on bytes and text. */
#include "base/base.h"

struct tw_view tw_view_sub(struct tw_view v, size_t off, size_t len)
{
    if (off >= v.len)
        return (struct tw_view){NULL, 0};
    if (len > v.len - off)
        len = v.len - off;
    return (struct tw_view){v.data + off, len};
}

static uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool tw_view_ieq(struct tw_view v, const char *s)
{
    size_t n = strlen(s);
    if (n != v.len)
        return false;
    for (size_t i = 0; i < n; i++)
        if (ascii_lower(v.data[i]) != ascii_lower((uint8_t)s[i]))
            return false;
    return true;
}

void tw_wipe(void *p, size_t n)
{
    if (n == 0)
        return;
#if defined(__GNUC__)
    memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory"); /* the stores are seen: they stay */
#else
    volatile uint8_t *q = p;
    while (n-- > 0)
        *q++ = 0;
#endif
}

char *tw_hex(struct tw_arena *a, struct tw_view v)
{
    static const char digits[] = "0123456789abcdef";
    char *s = tw_arena_alloc(a, v.len * 2 + 1);
    if (s == NULL)
        return NULL;
    for (size_t i = 0; i < v.len; i++) {
        s[2 * i] = digits[v.data[i] >> 4];
        s[2 * i + 1] = digits[v.data[i] & 15];
    }
    return s;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool tw_unhex(const char *s, uint8_t *out, size_t cap, size_t *len)
{
    size_t n = strlen(s);
    if (n % 2 != 0 || n / 2 > cap)
        return false;
    for (size_t i = 0; i < n / 2; i++) {
        int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    *len = n / 2;
    return true;
}

bool tw_copy_str(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    bool whole = n < cap;
    if (!whole)
        n = cap - 1;
    memcpy(dst, src, n);
    dst[n] = '\0';
    return whole;
}
