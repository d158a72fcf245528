# Loops that exist twice: for any x86-64, and for processors with AVX2.
#
# What the functions return that hold such loops: an int. Where GCC and the C library choose among
# versions of a function at load time, these functions exist twice, with all that they call inlined
# ("flatten"; else it would be shared by both). AVX-512 gave no more, as rows are short. No version
# fuses a multiplication with an addition, so both give the same bits. Builds that test have one
# version (setup.py): so both kinds are tested on any machine.

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 \\
        && !defined(__clang__) && !defined(REFERENCE_ONE_VERSION)
    #pragma GCC diagnostic ignored "-Wattributes"  /* Cython also declares variables with it */
    #define REFERENCE_RESULT \\
        __attribute__((flatten, unused, target_clones("arch=x86-64-v3", "default"))) int
    #else
    #define REFERENCE_RESULT int
    #endif
    """
    ctypedef int result "REFERENCE_RESULT"
