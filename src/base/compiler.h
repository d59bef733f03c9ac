/* Names for the compiler extensions that weir uses; nothing else may spell them out. */
#ifndef WEIR_BASE_COMPILER_H
#define WEIR_BASE_COMPILER_H

#if defined(__MINGW32__)
# define PRINTF_LIKE(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#else
# define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#endif
/* The result must be looked at. */
#define MUST_CHECK      __attribute__((warn_unused_result))
#define NO_RETURN       __attribute__((noreturn))
#define UNUSED          __attribute__((unused))
#define LIKELY(x)       __builtin_expect(!!(x), 1)
#define UNLIKELY(x)     __builtin_expect(!!(x), 0)
#define CACHE_LINE      64
#define ARRAY_LEN(a)    (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(n, to) (((n) + ((to)-1)) & ~((to)-1))

/* For products of 64-bit values. */
__extension__ typedef __int128 wide_int;

#endif
