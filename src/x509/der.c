/* DER elements and times. */
#include "x509/der.h"

uint8_t der_peek(const struct tw_reader *r)
{
    return tw_rd_left(r) > 0 ? r->data[r->pos] : 0;
}

/* Fails at the place where the element began. */
static void fail_at(struct tw_reader *r, size_t start, const char *field)
{
    if (!tw_rd_ok(r))
        return;
    r->pos = start;
    tw_rd_fail(r, field);
}

/* Length octets (X.690 8.1.3, 10.1): long form only where the short one does not do. */
static size_t length(struct tw_reader *r, size_t start, const char *field)
{
    size_t len = tw_rd_u8(r, field);
    if (len < 0x80)
        return len;
    if (len == 0x80 || len > 0x84) {
        fail_at(r, start, field); /* indefinite, or larger than any certificate */
        return 0;
    }
    size_t bytes = len - 0x80;
    len = (size_t)tw_rd_uint(r, bytes, field);
    if (len < 0x80 || (bytes > 1 && len >> (8 * (bytes - 1)) == 0))
        fail_at(r, start, field);
    return len;
}

static struct tw_reader element(struct tw_reader *r, uint8_t *tag, struct tw_view *whole,
                                const char *field)
{
    size_t start = r->pos;
    *tag = tw_rd_u8(r, field);
    if ((*tag & 0x1f) == 0x1f)
        fail_at(r, start, field); /* tags above 30 do not occur in certificates */
    size_t len = length(r, start, field);
    if (tw_rd_ok(r) && len > tw_rd_left(r))
        fail_at(r, start, field);
    tw_rd_bytes(r, len, field);
    if (!tw_rd_ok(r))
        return (struct tw_reader){r->data, r->end, r->end, field, start};
    if (whole != NULL)
        *whole = tw_view_of(r->data + start, r->pos - start);
    return (struct tw_reader){r->data, r->pos - len, r->pos, NULL, 0};
}

struct tw_reader der_any(struct tw_reader *r, uint8_t *tag, struct tw_view *whole,
                         const char *field)
{
    return element(r, tag, whole, field);
}

struct tw_reader der_whole(struct tw_reader *r, uint8_t tag, struct tw_view *whole,
                           const char *field)
{
    uint8_t got;
    if (tw_rd_ok(r) && der_peek(r) != tag)
        tw_rd_fail(r, field);
    return element(r, &got, whole, field);
}

struct tw_reader der_next(struct tw_reader *r, uint8_t tag, const char *field)
{
    return der_whole(r, tag, NULL, field);
}

struct tw_view der_bytes(struct tw_reader *r, uint8_t tag, const char *field)
{
    struct tw_reader in = der_next(r, tag, field);
    return tw_rd_rest(&in);
}

bool der_optional(struct tw_reader *r, uint8_t tag, struct tw_reader *contents)
{
    if (!tw_rd_ok(r) || der_peek(r) != tag)
        return false;
    *contents = der_next(r, tag, "optional element");
    return tw_rd_ok(r);
}

struct tw_reader der_open(struct tw_view v, uint8_t tag, const char *field)
{
    struct tw_reader r = tw_rd_of(v);
    return der_next(&r, tag, field);
}

void der_adopt(struct tw_reader *r, const struct tw_reader *sub)
{
    if (!tw_rd_ok(sub))
        fail_at(r, sub->fail_at, sub->fail_field);
}

bool der_bool(struct tw_reader *r, const char *field)
{
    size_t start = r->pos;
    struct tw_view v = der_bytes(r, DER_BOOL, field);
    if (v.len != 1 || (v.data[0] != 0 && v.data[0] != 0xff))
        fail_at(r, start, field);
    return v.len == 1 && v.data[0] != 0;
}

bool der_int_minimal(struct tw_view v)
{
    if (v.len == 0)
        return false;
    return v.len == 1 || !((v.data[0] == 0 && !(v.data[1] & 0x80)) ||
                           (v.data[0] == 0xff && (v.data[1] & 0x80)));
}

int der_small(struct tw_reader *r, uint8_t tag, const char *field)
{
    const int most = 1 << 30;
    size_t start = r->pos;
    struct tw_view v = der_bytes(r, tag, field);
    if (!der_int_minimal(v) || (v.data[0] & 0x80)) {
        fail_at(r, start, field);
        return 0;
    }
    int n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (n >= most >> 8)
            return most;
        n = n << 8 | v.data[i];
    }
    return n;
}

struct tw_view der_bits(struct tw_reader *r, unsigned *unused, const char *field)
{
    size_t start = r->pos;
    struct tw_view v = der_bytes(r, DER_BITS, field);
    *unused = 0;
    if (v.len == 0 || v.data[0] > 7 || (v.len == 1 && v.data[0] != 0) ||
        (v.data[v.len - 1] & ((1u << v.data[0]) - 1) & (v.len > 1 ? 0xffu : 0u)) != 0) {
        fail_at(r, start, field);
        return tw_view_of(NULL, 0);
    }
    *unused = v.data[0];
    return tw_view_of(v.data + 1, v.len - 1);
}

static bool digits(struct tw_view v, size_t at, size_t n, int *out)
{
    int x = 0;
    for (size_t i = at; i < at + n; i++) {
        if (i >= v.len || v.data[i] < '0' || v.data[i] > '9')
            return false;
        x = x * 10 + (v.data[i] - '0');
    }
    *out = x;
    return true;
}

bool der_is_day(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 of a civil date; Howard Hinnant's days_from_civil. */
int64_t der_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

int64_t der_time(struct tw_reader *r, const char *field)
{
    uint8_t tag;
    size_t start = r->pos;
    struct tw_reader in = der_any(r, &tag, NULL, field);
    struct tw_view v = tw_rd_rest(&in);
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
    size_t yl = tag == DER_UTC ? 2 : 4;
    bool ok = (tag == DER_UTC || tag == DER_GENTIME) && digits(v, 0, yl, &y) &&
              digits(v, yl, 2, &mo) && digits(v, yl + 2, 2, &d) && digits(v, yl + 4, 2, &h) &&
              digits(v, yl + 6, 2, &mi);
    bool seconds = ok && digits(v, yl + 8, 2, &s);
    size_t end = yl + (seconds ? 10 : 8);
    if (tag == DER_UTC)
        y += y >= 50 ? 1900 : 2000;
    ok = ok && v.len == end + 1 && v.data[end] == 'Z' && der_is_day(y, mo, d) &&
         h <= 23 && mi <= 59 && s <= 60;
    if (!ok) {
        fail_at(r, start, field);
        return 0;
    }
    return der_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + s;
}
