# How the outputs of a convolution are cut into blocks, and its columns into products.
#
# Design: convolution is im2col and a product of matrices (Chellapilla, Puri, Simard 2006), a group
# and a block of outputs at a time; BLAS multiplies (see _blas.pxd for the tiles). Three things keep
# the columns small, and so in the second level of cache:
#
# - The columns of one row of the kernel serve others of its rows, each with a product of its own
#   that starts rows of outputs further on: all rows with stride 1, every second one with stride 2
#   (memory-efficient convolution: Cho and Brand 2017). For 3x3 that is a third of the copies, for
#   5x5 a fifth.
# - The products go through about 512 rows of columns, that is some of the channels, at a time.
# - A block's columns take 2 MB at most in float64, of large images some rows; of small ones several
#   images side by side, so that the filters are read once for all of them. The workspace never
#   grows with the image or the batch.
#
# Where a product is shallow (a network's first layer), most of its time goes to reading and writing
# the outputs. So the products of several rows of the kernel go through a strip of outputs that
# stays near, before they go on to the next one.
#
# A kernel of 1x1 needs no columns: the image is the matrix.
#
# Winograd's and Fourier transforms would save multiplications, and are not used: there an output's
# rounding error grows with pixels that it does not see, and one infinity spoils its neighbours.
# What others are compared with must not do that.

from reference.fast._blas cimport PANEL, TILE_K
from reference.fast._columns cimport Window

cdef enum:
    # Entries of one thread's columns: 2 MB in float64. A quarter of it halves the speed of deep
    # layers (384 channels of 3x3), whose blocks would have too few outputs for a fast product.
    WORKSPACE = 262144
    # Rows of columns in one product, and of the gradients dw and dx in one task.
    DEPTH = 512
    # Outputs that make a product fast: of small images, so many are done together.
    ENOUGH = 256
    # With fewer rows than this in a product, several products are slower than more columns,
    NARROW = 20
    # unless making the columns is most of the work: with at most so many filters a row of columns,
    FEWER = 2
    # and with outputs enough that the call of a product is little beside it.
    TINY = 64
    # Bytes of the columns and outputs of a strip, and the fewest columns of one: AlexNet's first
    # layer in float64 takes 0.87 of the time, ResNet's 0.93. Deeper products are slower in strips.
    NEAR = 98304
    NARROWEST = 64


# The outputs done at once: some images, and of each of them some rows and columns of outputs.
ctypedef struct Cut:
    Py_ssize_t images
    Py_ssize_t rows
    Py_ssize_t cols
    Py_ssize_t down  # blocks of an image, one below the other
    Py_ssize_t across
    Py_ssize_t width  # columns that a block has room for


ctypedef struct Block:
    Py_ssize_t n0
    Py_ssize_t n1
    Py_ssize_t row0
    Py_ssize_t row1
    Py_ssize_t col0
    Py_ssize_t col1
    Py_ssize_t start  # the first output in its image
    Py_ssize_t count  # outputs of one image
    Py_ssize_t step  # columns from one image to the next
    Py_ssize_t total  # columns of a product


cdef inline bint by_rows(Window *g, Py_ssize_t batch, Py_ssize_t filters,
                         Py_ssize_t channels) noexcept:
    """Whether the columns of one row of the kernel serve others of its rows. That puts the filters
    in another order, which costs more than it saves where they are more than the outputs (512
    filters on 8 images of 7x7: a quarter of the time)."""
    cdef Py_ssize_t depth = channels * g.kw, points = g.out_h * g.out_w
    if g.kh == 1 or g.kh < 2 * g.sh or g.dh != 1 or batch * points < filters:
        return False
    return depth >= NARROW or (filters <= FEWER * depth and points >= TINY)


cdef inline Py_ssize_t rows_more(Window *g, Py_ssize_t products) noexcept nogil:
    """Rows of columns that a block needs beyond its rows of outputs."""
    return (g.kh - 1) // g.sh if products > 1 else 0


cdef inline Window row_of(Window *g, Py_ssize_t row) noexcept nogil:
    """The window of one row of the kernel, on the rows that it and the rows it serves meet."""
    cdef Window one = g[0]
    one.kh = 1
    one.top = g.top - row
    one.out_h = g.out_h + (g.kh - 1 - row) // g.sh
    return one


cdef inline bint pointwise(Window *g, Py_ssize_t pixels) noexcept nogil:
    """A kernel of one pixel on every pixel: the image itself is the matrix of its columns."""
    return g.kh == 1 and g.kw == 1 and g.sh == 1 and g.sw == 1 and g.out_h * g.out_w == pixels


cdef inline Py_ssize_t channels_of(Py_ssize_t channels, Py_ssize_t depth) noexcept nogil:
    """Channels of one product, where all of them would make `depth` rows of columns."""
    cdef Py_ssize_t parts = max(1, depth // DEPTH)
    return max(1, (channels + parts - 1) // parts)


cdef inline Cut cut_of(Window *g, Py_ssize_t products, Py_ssize_t depth, Py_ssize_t filters,
                       Py_ssize_t batch) noexcept nogil:
    """Blocks for which `depth` and `filters` entries for each output, and for those in the rows of
    `rows_more`, fit the workspace: several images where they are small, else whole rows of one
    where one fits, else a part of a row. Blocks are about equally large."""
    cdef Cut cut
    cdef Py_ssize_t count = max(1, WORKSPACE // max(1, max(depth, filters))), blocks
    cdef Py_ssize_t more = rows_more(g, products), rows = count // g.out_w - more
    cut.images, cut.rows, cut.cols = 1, g.out_h, g.out_w
    if rows < 1:
        cut.rows, cut.cols = 1, min(g.out_w, max(1, count // (1 + more)))
    elif rows < g.out_h:
        blocks = (g.out_h + rows - 1) // rows
        cut.rows = (g.out_h + blocks - 1) // blocks
    elif g.kh > 1 or g.kw > 1 or g.sh > 1:  # else the images themselves are the matrices
        cut.images = max(1, min(count, ENOUGH) // ((g.out_h + more) * g.out_w))
        blocks = (batch + cut.images - 1) // cut.images
        cut.images = (batch + blocks - 1) // blocks
    cut.down = (g.out_h + cut.rows - 1) // cut.rows
    cut.across = (g.out_w + cut.cols - 1) // cut.cols
    cut.width = cut.images * (cut.rows + more) * cut.cols
    return cut


cdef inline Py_ssize_t blocks_of(Cut *cut, Py_ssize_t batch) noexcept nogil:
    """How many blocks there are."""
    return (batch + cut.images - 1) // cut.images * cut.down * cut.across


cdef inline Block block_of(Window *g, Cut *cut, Py_ssize_t products, Py_ssize_t index,
                           Py_ssize_t batch, Py_ssize_t height) noexcept nogil:
    """The block with this number; the images have `height` rows."""
    cdef Block block
    block.n0 = index // (cut.down * cut.across) * cut.images
    block.n1 = min(block.n0 + cut.images, batch)
    block.row0 = index // cut.across % cut.down * cut.rows
    block.row1 = min(block.row0 + cut.rows, g.out_h)
    block.col0 = index % cut.across * cut.cols
    block.col1 = min(block.col0 + cut.cols, g.out_w)
    cdef Py_ssize_t rows = block.row1 - block.row0, cols = block.col1 - block.col0
    block.start = block.row0 * g.out_w + block.col0
    block.count = rows * cols
    # From one image to the next, all rows that its outputs meet; but with stride 1 the padding
    # below one image may be that above the next.
    rows += rows_more(g, products)
    if products > 1 and g.sh == 1:
        rows -= min(g.top, g.out_h + g.kh - 1 - height - g.top, g.kh - 1)
    block.step = rows * cols
    block.total = (block.n1 - block.n0 - 1) * block.step + block.count
    return block


cdef inline Py_ssize_t strip_of(Py_ssize_t products, Py_ssize_t depth, Py_ssize_t filters,
                                Py_ssize_t total, Py_ssize_t size) noexcept nogil:
    """The columns of a strip, if a pixel has `size` bytes."""
    if products == 1 or depth > TILE_K:
        return total
    cdef Py_ssize_t panel = PANEL // size
    return min(total, max(NARROWEST, NEAR // size // (filters + depth) // panel * panel))
