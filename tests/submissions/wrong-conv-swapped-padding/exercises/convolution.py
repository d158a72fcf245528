import numpy as np


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    """Slide every kernel over every image."""
    if x.ndim != 4 or w.ndim != 4 or b.ndim != 1:
        raise ValueError(f"x and w need 4 axes and b needs 1; got {x.ndim}, {w.ndim}, {b.ndim}")
    N, C, H, W = x.shape
    O, CW, KH, KW = w.shape
    (sh, sw), (pw, ph) = stride, padding
    if CW != C:
        raise ValueError(f"w has {CW} channels but x has {C}")
    if len(b) != O:
        raise ValueError(f"b has {len(b)} entries for {O} kernels")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if ph < 0 or pw < 0:
        raise ValueError(f"padding cannot be negative; got {padding}")
    if not (1 <= KH <= H + 2 * ph and 1 <= KW <= W + 2 * pw):
        raise ValueError(f"a kernel of {KH} x {KW} does not fit in the padded image")
    HO = (H + 2 * ph - KH) // sh + 1
    WO = (W + 2 * pw - KW) // sw + 1
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype)
    padded[:, :, ph:ph + H, pw:pw + W] = x
    y = np.zeros((N, O, HO, WO), dtype)
    for n in range(N):
        for o in range(O):
            for i in range(HO):
                for j in range(WO):
                    total = b[o]
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += padded[n, c, i * sh + u, j * sw + v] * w[o, c, u, v]
                    y[n, o, i, j] = total
    return y
