package crypto

import (
	"slices"
	"sync"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A product of a scalar and a point that is known beforehand is a sum of parts: h·P = Σ hᵢ·2^(32·i)·P, where hᵢ are 32 bits
// of h. With tables of multiples of each 2^(32·i)·P the parts share 32 doublings, instead of 256 for the whole scalar. The
// sum is the same for every point, those of small order included: nothing is reduced that a point would not be.
const (
	parts    = 8
	partBits = 256 / parts
)

// multiples4 and multiples8 are the odd multiples of a point, 1·P to 7·P and 1·P to 127·P, for scalars in non-adjacent form
// of width 4 and 8.
type (
	multiples4 [4]affine
	multiples8 [64]affine
)

// affine is a point as it is added: y+x, y−x and 2·d·x·y.
type affine struct{ sum, difference, product field.Element }

// projective is a point (X/Z, Y/Z), extended one with T = X·Y/Z; completed is (X/Z, Y/T), as additions give it.
type (
	projective struct{ x, y, z field.Element }
	extended   struct{ x, y, z, t field.Element }
	completed  struct{ x, y, z, t field.Element }
)

// twiceD is 2·d of the curve −x² + y² = 1 + d·x²·y², where d = −121665/121666.
var twiceD = sync.OnceValue(func() *field.Element {
	one := new(field.Element).One()
	d := new(field.Element).Invert(new(field.Element).Mult32(one, 121666))
	d.Negate(d.Mult32(d, 121665))
	return d.Add(d, d)
})

// baseMultiples are those of the group's generator.
var baseMultiples = sync.OnceValue(func() *[parts]multiples8 {
	var made [parts]multiples8
	point := edwards25519.NewGeneratorPoint()
	for i := range made {
		setOddMultiples(made[i][:], point)
		shift(point)
	}
	return &made
})

// negativesOf returns the multiples of a key's negative; nil for a key that is no point. It reads keys as crypto/ed25519 does,
// odd encodings included.
func negativesOf(publicKey []byte) *[parts]multiples4 {
	point, err := new(edwards25519.Point).SetBytes(publicKey)
	if err != nil {
		return nil
	}
	point.Negate(point)
	var made [parts]multiples4
	for i := range made {
		setOddMultiples(made[i][:], point)
		shift(point)
	}
	return &made
}

// shift multiplies a point by 2^partBits.
func shift(point *edwards25519.Point) {
	for range partBits {
		point.Double(point)
	}
}

// setOddMultiples sets a table to 1, 3, 5 … times a point. They are divided by their Z.
func setOddMultiples(table []affine, point *edwards25519.Point) {
	points, inverses := make([]*edwards25519.Point, len(table)), make([]field.Element, len(table))
	twice := new(edwards25519.Point).Double(point)
	for i := range points {
		if i == 0 {
			points[i] = point
		} else {
			points[i] = new(edwards25519.Point).Add(points[i-1], twice)
		}
		_, _, z, _ := points[i].ExtendedCoordinates()
		inverses[i].Set(z)
	}
	for some := range slices.Chunk(inverses, mostInverted) {
		invert(some)
	}
	for i := range points {
		x, y, _, _ := points[i].ExtendedCoordinates()
		table[i].set(x.Multiply(x, &inverses[i]), y.Multiply(y, &inverses[i]))
	}
}

// mostInverted is the most elements that are inverted together.
const mostInverted = 16

// invert sets each of some elements to its inverse, with one inversion for all (Montgomery 1987): the inverse of the product of
// the elements up to one, times the product of those before it, is the inverse of that one. If one is 0, all become 0.
func invert(elements []field.Element) {
	var before [mostInverted]field.Element // the product of the elements before one
	product := *new(field.Element).One()
	for i := range elements {
		before[i] = product
		product.Multiply(&product, &elements[i])
	}
	var inverse field.Element
	inverse.Invert(&product)
	for i := len(elements) - 1; i >= 0; i-- {
		own := elements[i]
		elements[i].Multiply(&inverse, &before[i])
		inverse.Multiply(&inverse, &own)
	}
}

func (a *affine) set(x, y *field.Element) {
	a.sum.Add(y, x)
	a.difference.Subtract(y, x)
	a.product.Multiply(x, y)
	a.product.Multiply(&a.product, twiceD())
}

// sumOfProducts returns a·P + b·B, where B is the group's generator. Its time depends on the scalars.
func sumOfProducts(a *scalar.Scalar, tableOfP *[parts]multiples4, b *scalar.Scalar) projective {
	ofB, ofP := baseMultiples(), *tableOfP // copied, for a table that is in no cache is read faster in one go than in pieces
	as, bs := a.NonAdjacentForm(4), b.NonAdjacentForm(8)
	var sum projective
	sum.y.One()
	sum.z.One()
	var last completed
	for bit := partBits - 1; bit >= 0; bit-- {
		last.double(&sum)
		for part := range parts {
			last.addMultiple(ofP[part][:], as[part*partBits+bit])
			last.addMultiple(ofB[part][:], bs[part*partBits+bit])
		}
		sum.set(&last)
	}
	return sum
}

// addMultiple adds an odd multiple from a table, or subtracts it, or does nothing for 0.
func (c *completed) addMultiple(odd []affine, times int8) {
	if times == 0 {
		return
	}
	var sum extended
	sum.set(c)
	if times > 0 {
		c.add(&sum, &odd[times/2])
	} else {
		c.subtract(&sum, &odd[-times/2])
	}
}

// double is 2·p (dbl-2008-hwcd of the Explicit-Formulas Database).
func (c *completed) double(p *projective) {
	var xx, yy, zz field.Element
	xx.Square(&p.x)
	yy.Square(&p.y)
	zz.Square(&p.z)
	c.x.Add(&p.x, &p.y)
	c.x.Square(&c.x)
	c.y.Add(&yy, &xx)
	c.z.Subtract(&yy, &xx)
	c.x.Subtract(&c.x, &c.y)
	c.t.Add(&zz, &zz)
	c.t.Subtract(&c.t, &c.z)
}

// add is p + q (madd-2008-hwcd-3). It is complete: it holds for all points.
func (c *completed) add(p *extended, q *affine) {
	var upper, lower, product, twiceZ field.Element
	upper.Add(&p.y, &p.x)
	upper.Multiply(&upper, &q.sum)
	lower.Subtract(&p.y, &p.x)
	lower.Multiply(&lower, &q.difference)
	product.Multiply(&p.t, &q.product)
	twiceZ.Add(&p.z, &p.z)
	c.x.Subtract(&upper, &lower)
	c.y.Add(&upper, &lower)
	c.z.Add(&twiceZ, &product)
	c.t.Subtract(&twiceZ, &product)
}

// subtract is p − q: −q has sum and difference exchanged, and the product's negative.
func (c *completed) subtract(p *extended, q *affine) {
	var upper, lower, product, twiceZ field.Element
	upper.Add(&p.y, &p.x)
	upper.Multiply(&upper, &q.difference)
	lower.Subtract(&p.y, &p.x)
	lower.Multiply(&lower, &q.sum)
	product.Multiply(&p.t, &q.product)
	twiceZ.Add(&p.z, &p.z)
	c.x.Subtract(&upper, &lower)
	c.y.Add(&upper, &lower)
	c.z.Subtract(&twiceZ, &product)
	c.t.Add(&twiceZ, &product)
}

func (p *projective) set(c *completed) {
	p.x.Multiply(&c.x, &c.t)
	p.y.Multiply(&c.y, &c.z)
	p.z.Multiply(&c.z, &c.t)
}

func (e *extended) set(c *completed) {
	e.x.Multiply(&c.x, &c.t)
	e.y.Multiply(&c.y, &c.z)
	e.z.Multiply(&c.z, &c.t)
	e.t.Multiply(&c.x, &c.y)
}

// encoding is the canonical one (RFC 8032 §5.1.2), given the inverse of Z.
func (p *projective) encoding(inverse *field.Element) (encoded [32]byte) {
	var x, y field.Element
	x.Multiply(&p.x, inverse)
	y.Multiply(&p.y, inverse)
	copy(encoded[:], y.Bytes())
	encoded[31] |= byte(x.IsNegative() << 7)
	return encoded
}
