//! The vocabulary in which operations on vectors and matrices are defined.
//!
//! An operation that is not elementwise has one definition, a function over [`Arrays`]: elements are loaded and stored
//! by their position, loops go over positions and may hand values on. What a loop is, and what a position, is up to
//! the implementation: [`Unrolled`] carries out every iteration on lanes at once, the compiler's memory records a loop
//! over cells. Both combine the same elements in the same order, so their bits agree.
//!
//! Some methods leave room for what makes loops over memory fast: how many results a loop works on
//! ([`blocks`](Arrays::blocks), [`tiles`](Arrays::tiles)), and what its operands are made of
//! ([`reduce`](Arrays::reduce)). They promise no order between results that do not depend on each other.

use std::borrow::Cow;
use std::cell::Cell;

use nc_runtime::lanes::Lanes;

use super::{Lane, Operand};
use crate::types::{Elem, Shape, Type};

/// A number of the lanes of an implementation.
pub(crate) type Number<A> = <<A as Arrays>::L as Lanes>::F;
/// A truth value of the lanes of an implementation.
pub(crate) type Truth<A> = <<A as Arrays>::L as Lanes>::M;
/// An element over the lanes of an implementation.
pub(crate) type Element<A> = Lane<<A as Arrays>::L>;

/// What loads, stores and loops over elements.
pub(crate) trait Arrays {
    /// What computes with elements.
    type L: Lanes;
    /// A position, or a number of elements. It is the same for all rows.
    type Index: Copy;
    /// An operand with its type.
    type Operand;
    /// A value whose elements have positions and can be written.
    type Cells;
    /// A value on its way to where it is used.
    type Form;
    /// Where a part stands, which may differ from row to row.
    type Spot;

    /// What computes with elements.
    fn lanes(&self) -> &Self::L;

    /// The type of an operand.
    fn ty(&self, operand: &Self::Operand) -> Type;
    /// The shape of an operand.
    fn shape(&self, operand: &Self::Operand) -> Shape {
        self.ty(operand).shape
    }
    /// How many elements an operand has.
    fn len(&self, operand: &Self::Operand) -> u32 {
        self.shape(operand).len() as u32
    }

    /// A position that is known.
    fn index(&self, value: u32) -> Self::Index;
    /// `a + b`.
    fn plus(&self, a: Self::Index, b: Self::Index) -> Self::Index;
    /// `a − b`, which is not negative.
    fn minus(&self, a: Self::Index, b: Self::Index) -> Self::Index;
    /// `a · by`.
    fn times(&self, a: Self::Index, by: u32) -> Self::Index;

    /// The only element of a scalar operand.
    fn scalar(&self, operand: &Self::Operand) -> Element<Self>;
    /// The elements of an operand by their positions. They are not to be written.
    fn stored(&self, operand: &Self::Operand) -> Self::Cells;
    /// The elements of a matrix by their positions, wherever they stand, with the distances from a row to the next and from a column to
    /// the next. They are not to be written.
    fn matrix(&self, operand: &Self::Operand) -> (Self::Cells, (u32, u32)) {
        (self.stored(operand), (self.shape(operand).extents().1, 1))
    }
    /// A matrix whose rows are the columns of this one.
    fn transposed(&self, operand: &Self::Operand) -> Self::Form {
        turned(self, operand)
    }
    /// Cells for a result. Each is written before it is read.
    fn cells(&self, elem: Elem, len: u32) -> Self::Cells;
    /// Element `k + shift`.
    fn load(&self, from: &Self::Cells, shift: u32, k: Self::Index) -> Element<Self>;
    /// Elements `k`, `k + stride`, …, `count` of them, each loaded once however often it is used.
    fn loads(
        &self,
        from: &Self::Cells,
        count: u32,
        stride: u32,
        k: Self::Index,
    ) -> impl Fn(u32) -> Element<Self>;
    /// Writes element `k + shift`.
    fn store(&self, to: &Self::Cells, shift: u32, k: Self::Index, element: Element<Self>);

    /// The elements of an operand in cells that are to be written. Nothing else sees what is written to them.
    fn copied(&self, operand: &Self::Operand) -> Self::Cells;
    /// The part that a number counts to, of `count` parts of `len` elements of this kind; `None` where no number leads to an element,
    /// so that one part after the other has to be looked at.
    fn spot(&self, elem: Elem, index: Number<Self>, count: u32, len: u32) -> Option<Self::Spot>;
    /// Element `k` of the part; of the first one if the number counts to none.
    fn load_at(&self, from: &Self::Cells, k: Self::Index, spot: &Self::Spot) -> Element<Self>;
    /// Writes element `k` of the part, if the number counts to one.
    fn store_at(&self, to: &Self::Cells, k: Self::Index, spot: &Self::Spot, element: Element<Self>);

    /// What has been written.
    fn result(&self, cells: Self::Cells) -> Self::Form;
    /// A scalar as a result.
    fn one(&self, element: Element<Self>) -> Self::Form;
    /// An operand as it is.
    fn whole(&self, operand: &Self::Operand) -> Self::Form;
    /// One element, so many times.
    fn fill(&self, element: Element<Self>, len: u32) -> Self::Form;
    /// So many elements of an operand from a position on.
    fn slice(&self, operand: &Self::Operand, first: u32, len: u32) -> Self::Form;
    /// Parts one behind the other.
    fn parts(&self, elem: Elem, parts: Vec<Self::Form>) -> Self::Form;

    /// `body` for each position from `first` to before `end`, with the values that the iteration before has handed on;
    /// returns the last ones.
    fn fold<const N: usize>(
        &self,
        first: Self::Index,
        end: Self::Index,
        start: [Element<Self>; N],
        body: impl FnMut(Self::Index, [Element<Self>; N]) -> [Element<Self>; N],
    ) -> [Element<Self>; N];

    /// `body` for each position from `first` to before `end`.
    fn between(&self, first: Self::Index, end: Self::Index, mut body: impl FnMut(Self::Index)) {
        self.fold(first, end, [], |k, []| {
            body(k);
            []
        });
    }

    /// `body` for each position before `count`.
    fn each(&self, count: u32, body: impl FnMut(Self::Index)) {
        self.between(self.index(0), self.index(count), body);
    }

    /// [`between`](Arrays::between) where nothing changes in rows outside the mask: the loop may end when it holds in no row.
    fn between_if(
        &self,
        first: Self::Index,
        end: Self::Index,
        mask: Truth<Self>,
        body: impl FnMut(Self::Index),
    );

    /// [`fold`](Arrays::fold) from one number to before another, with the number of each iteration as an element, too.
    fn numbered<const N: usize>(
        &self,
        first: u32,
        end: u32,
        start: [Element<Self>; N],
        body: impl FnMut(Self::Index, Number<Self>, [Element<Self>; N]) -> [Element<Self>; N],
    ) -> [Element<Self>; N];

    /// Positions before `count`, some neighbours at a time but at the most `most`: `body` gets the first and their number.
    fn blocks(&self, count: u32, most: u32, body: impl FnMut(Self::Index, u32));

    /// A matrix of results, some neighbours at a time but at the most as many rows and columns as `most`: `body` gets the
    /// first row and the number of rows, and so for columns.
    fn tiles(
        &self,
        size: (u32, u32),
        most: (u32, u32),
        body: impl FnMut((Self::Index, u32), (Self::Index, u32)),
    );

    /// `count` numbers that go through one loop next to each other: `body` makes of a position what the step is there,
    /// which gets which number it is to take further, and the number.
    fn sums<Step: Fn(u32, Number<Self>) -> Number<Self>>(
        &self,
        first: Self::Index,
        end: Self::Index,
        count: u32,
        start: impl Fn(u32) -> Number<Self>,
        body: impl FnMut(Self::Index) -> Step,
    ) -> impl IntoIterator<Item = Number<Self>>;

    /// Carries a value through the elements of operands of one length, in their order.
    fn reduce<const N: usize>(
        &self,
        operands: [&Self::Operand; N],
        start: Element<Self>,
        step: impl Fn(Element<Self>, [Element<Self>; N]) -> Element<Self>,
    ) -> Element<Self>;
}

/// A transposed matrix, element by element.
pub(crate) fn turned<A: Arrays + ?Sized>(m: &A, operand: &A::Operand) -> A::Form {
    let (columns, rows) = m.shape(operand).extents();
    let from = m.stored(operand);
    let to = m.cells(m.ty(operand).elem, rows * columns);
    m.each(rows, |r| {
        let first = m.times(r, columns);
        m.each(columns, |c| {
            let element = m.load(&from, 0, m.plus(m.times(c, rows), r));
            m.store(&to, 0, m.plus(first, c), element);
        });
    });
    m.result(to)
}

/// Arrays of lanes, loops over which are carried out at once.
pub(crate) struct Unrolled<'a, L: Lanes> {
    l: &'a L,
    /// What stands in cells before they are written. It is taken from the operands, so that no constant is made for it.
    number: Option<L::F>,
    truth: Option<L::M>,
}

/// The elements of an operand, or of a result.
pub(crate) enum Elements<'a, L: Lanes> {
    Given(&'a [Lane<L>]),
    Numbers(Vec<Cell<L::F>>),
    Truths(Vec<Cell<L::M>>),
}

impl<'a, L: Lanes> Unrolled<'a, L> {
    /// Arrays for operations on these operands.
    pub(crate) fn new(l: &'a L, operands: &[Operand<'a, L>]) -> Unrolled<'a, L> {
        let (mut number, mut truth) = (None, None);
        for lane in operands.iter().filter_map(|operand| operand.elems.first()) {
            match *lane {
                Lane::F(f) => number = Some(f),
                Lane::M(m) => truth = Some(m),
            }
        }
        Unrolled { l, number, truth }
    }
}

impl<'a, L: Lanes> Arrays for Unrolled<'a, L> {
    type L = L;
    type Index = u32;
    type Operand = Operand<'a, L>;
    type Cells = Elements<'a, L>;
    type Form = Cow<'a, [Lane<L>]>;
    /// Where the part begins, and whether there is such a part.
    type Spot = (u32, bool);

    #[inline(always)]
    fn lanes(&self) -> &L {
        self.l
    }
    #[inline(always)]
    fn ty(&self, operand: &Operand<'a, L>) -> Type {
        operand.ty
    }

    #[inline(always)]
    fn index(&self, value: u32) -> u32 {
        value
    }
    #[inline(always)]
    fn plus(&self, a: u32, b: u32) -> u32 {
        a + b
    }
    #[inline(always)]
    fn minus(&self, a: u32, b: u32) -> u32 {
        a - b
    }
    #[inline(always)]
    fn times(&self, a: u32, by: u32) -> u32 {
        a * by
    }

    #[inline(always)]
    fn scalar(&self, operand: &Operand<'a, L>) -> Lane<L> {
        operand.elems[0]
    }
    #[inline(always)]
    fn stored(&self, operand: &Operand<'a, L>) -> Elements<'a, L> {
        Elements::Given(operand.elems)
    }
    #[inline(always)]
    fn cells(&self, elem: Elem, len: u32) -> Elements<'a, L> {
        let len = len as usize;
        match elem {
            Elem::Num => {
                Elements::Numbers(vec![Cell::new(self.number.unwrap_or_else(|| self.l.f(0.0))); len])
            }
            Elem::Bool => {
                Elements::Truths(vec![Cell::new(self.truth.unwrap_or_else(|| self.l.m(false))); len])
            }
        }
    }
    #[inline(always)]
    fn load(&self, from: &Elements<'a, L>, shift: u32, k: u32) -> Lane<L> {
        let at = (k + shift) as usize;
        match from {
            Elements::Given(lanes) => lanes[at],
            Elements::Numbers(cells) => Lane::F(cells[at].get()),
            Elements::Truths(cells) => Lane::M(cells[at].get()),
        }
    }
    #[inline(always)]
    fn loads(&self, from: &Elements<'a, L>, _: u32, stride: u32, k: u32) -> impl Fn(u32) -> Lane<L> {
        move |j| self.load(from, j * stride, k)
    }
    #[inline(always)]
    fn store(&self, to: &Elements<'a, L>, shift: u32, k: u32, element: Lane<L>) {
        let at = (k + shift) as usize;
        match to {
            Elements::Numbers(cells) => cells[at].set(element.f()),
            Elements::Truths(cells) => cells[at].set(element.m()),
            Elements::Given(_) => unreachable!("operands are not written"),
        }
    }

    fn copied(&self, operand: &Operand<'a, L>) -> Elements<'a, L> {
        match operand.ty.elem {
            Elem::Num => Elements::Numbers(operand.elems.iter().map(|lane| Cell::new(lane.f())).collect()),
            Elem::Bool => Elements::Truths(operand.elems.iter().map(|lane| Cell::new(lane.m())).collect()),
        }
    }
    fn spot(&self, _: Elem, index: L::F, count: u32, len: u32) -> Option<(u32, bool)> {
        let index = self.l.present(index)?;
        let found = index.fract() == 0.0 && (0.0..f64::from(count)).contains(&index);
        Some((if found { index as u32 * len } else { 0 }, found))
    }
    fn load_at(&self, from: &Elements<'a, L>, k: u32, spot: &(u32, bool)) -> Lane<L> {
        self.load(from, spot.0, k)
    }
    fn store_at(&self, to: &Elements<'a, L>, k: u32, spot: &(u32, bool), element: Lane<L>) {
        if spot.1 {
            self.store(to, spot.0, k, element);
        }
    }

    #[inline(always)]
    fn result(&self, cells: Elements<'a, L>) -> Cow<'a, [Lane<L>]> {
        match cells {
            Elements::Given(lanes) => Cow::Borrowed(lanes),
            Elements::Numbers(cells) => {
                Cow::Owned(cells.into_iter().map(|cell| Lane::F(cell.get())).collect())
            }
            Elements::Truths(cells) => {
                Cow::Owned(cells.into_iter().map(|cell| Lane::M(cell.get())).collect())
            }
        }
    }
    #[inline(always)]
    fn one(&self, element: Lane<L>) -> Cow<'a, [Lane<L>]> {
        Cow::Owned(vec![element])
    }
    #[inline(always)]
    fn whole(&self, operand: &Operand<'a, L>) -> Cow<'a, [Lane<L>]> {
        Cow::Borrowed(operand.elems)
    }
    #[inline(always)]
    fn fill(&self, element: Lane<L>, len: u32) -> Cow<'a, [Lane<L>]> {
        Cow::Owned(vec![element; len as usize])
    }
    #[inline(always)]
    fn slice(&self, operand: &Operand<'a, L>, first: u32, len: u32) -> Cow<'a, [Lane<L>]> {
        Cow::Borrowed(&operand.elems[first as usize..][..len as usize])
    }
    #[inline(always)]
    fn parts(&self, _: Elem, parts: Vec<Cow<'a, [Lane<L>]>>) -> Cow<'a, [Lane<L>]> {
        Cow::Owned(parts.concat())
    }

    #[inline(always)]
    fn fold<const N: usize>(
        &self,
        first: u32,
        end: u32,
        start: [Lane<L>; N],
        mut body: impl FnMut(u32, [Lane<L>; N]) -> [Lane<L>; N],
    ) -> [Lane<L>; N] {
        (first..end).fold(start, |handed, k| body(k, handed))
    }
    #[inline(always)]
    fn between_if(&self, first: u32, end: u32, _: L::M, body: impl FnMut(u32)) {
        self.between(first, end, body);
    }
    #[inline(always)]
    fn numbered<const N: usize>(
        &self,
        first: u32,
        end: u32,
        start: [Lane<L>; N],
        mut body: impl FnMut(u32, L::F, [Lane<L>; N]) -> [Lane<L>; N],
    ) -> [Lane<L>; N] {
        self.fold(first, end, start, |k, handed| body(k, self.l.f(f64::from(k)), handed))
    }
    #[inline(always)]
    fn blocks(&self, count: u32, _: u32, mut body: impl FnMut(u32, u32)) {
        (0..count).for_each(|k| body(k, 1));
    }
    #[inline(always)]
    fn tiles(
        &self,
        (rows, columns): (u32, u32),
        _: (u32, u32),
        mut body: impl FnMut((u32, u32), (u32, u32)),
    ) {
        for row in 0..rows {
            (0..columns).for_each(|column| body((row, 1), (column, 1)));
        }
    }
    #[inline(always)]
    fn sums<Step: Fn(u32, L::F) -> L::F>(
        &self,
        first: u32,
        end: u32,
        count: u32,
        start: impl Fn(u32) -> L::F,
        mut body: impl FnMut(u32) -> Step,
    ) -> impl IntoIterator<Item = L::F> {
        debug_assert_eq!(count, 1, "results come one by one");
        [(first..end).fold(start(0), |sum, k| body(k)(0, sum))]
    }
    #[inline(always)]
    fn reduce<const N: usize>(
        &self,
        operands: [&Operand<'a, L>; N],
        start: Lane<L>,
        step: impl Fn(Lane<L>, [Lane<L>; N]) -> Lane<L>,
    ) -> Lane<L> {
        let len = operands.first().map_or(0, |operand| operand.elems.len());
        (0..len).fold(start, |value, k| step(value, operands.map(|operand| operand.elems[k])))
    }
}
