/*
 * Functions that have no bound or hide state. Using one is a compile error that names it.
 * Included by base.h after the standard headers, so their declarations are not touched.
 */
#ifndef TW_BANNED_H
#define TW_BANNED_H

#define TW_BANNED(name) tw_banned_##name##_use_a_bounded_function_instead

#undef strcpy
#define strcpy(a, b) TW_BANNED(strcpy)
#undef strcat
#define strcat(a, b) TW_BANNED(strcat)
#undef strncpy
#define strncpy(a, b, n) TW_BANNED(strncpy)
#undef strncat
#define strncat(a, b, n) TW_BANNED(strncat)
#undef sprintf
#define sprintf(...) TW_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) TW_BANNED(vsprintf)
#undef strtok
#define strtok(a, b) TW_BANNED(strtok)
#undef gets
#define gets(a) TW_BANNED(gets)
#undef atoi
#define atoi(a) TW_BANNED(atoi)
#undef atol
#define atol(a) TW_BANNED(atol)

#endif
