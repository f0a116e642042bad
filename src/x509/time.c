/* Unix seconds to RFC 3339 and back, without the C library's time zones. */
#include "x509/der.h"
#include "x509/x509.h"

/* Howard Hinnant's civil_from_days. */
static void civil(int64_t days, int64_t *y, int *m, int *d)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = yoe + era * 400 + (*m <= 2);
}

const char *tw_time_text(int64_t unix_s, char *buf, size_t cap)
{
    int64_t days = unix_s / 86400, s = unix_s % 86400, y;
    int m, d;
    if (s < 0) {
        s += 86400;
        days--;
    }
    civil(days, &y, &m, &d);
    snprintf(buf, cap, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)y, m, d, (int)(s / 3600),
             (int)(s / 60 % 60), (int)(s % 60));
    return buf;
}

static bool number(const char **s, size_t digits, int *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++, ++*s) {
        if (**s < '0' || **s > '9')
            return false;
        *out = *out * 10 + (**s - '0');
    }
    return true;
}

bool tw_time_parse(const char *text, int64_t *unix_s)
{
    const char *s = text;
    int y, mo, d, h = 0, mi = 0, sec = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 32)
        return false;
    if (strspn(text, "0123456789") == len) {
        *unix_s = 0;
        for (; *s != '\0' && len <= 12; s++)
            *unix_s = *unix_s * 10 + (*s - '0');
        return len <= 12;
    }
    bool ok = number(&s, 4, &y) && *s++ == '-' && number(&s, 2, &mo) && *s++ == '-' &&
              number(&s, 2, &d) && der_is_day(y, mo, d);
    if (ok && (*s == 'T' || *s == ' ' || *s == 't')) {
        s++;
        ok = number(&s, 2, &h) && *s++ == ':' && number(&s, 2, &mi);
        if (ok && *s == ':') {
            s++;
            ok = number(&s, 2, &sec);
        }
        ok = ok && h <= 23 && mi <= 59 && sec <= 60;
        if (ok && (*s == 'Z' || *s == 'z'))
            s++;
    }
    if (!ok || *s != '\0')
        return false;
    *unix_s = der_days(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec;
    return true;
}
