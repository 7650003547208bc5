//! Would this small module be a large work for the compiler?
//!
//! A compiler's work isn't bounded by the size of what it compiles. Where loops are nested, each local that's changed inside
//! is carried through the head of each loop: a thousand loops around a thousand locals are 17 kB of wasm, and were 24 s and
//! 600 MB of compiling. Wide blocks do the same with the values that each jump carries. Compilers' output is far from
//! both: the sums here are a hundred times what it has.
//!
//! This looks into every function, so it's done only before compiling, and not where compiled code is at hand.

use wasmparser::{BlockType, FuncType, FunctionBody, Operator, Parser, Payload};

use super::Layer;
use super::inspect::Refusal;

/// The most that a function's loop depth times its locals may be.
const MAX_PER_FUNCTION: u64 = 300_000;
/// Loops that are nested deeper than this count as unusual.
const USUAL_DEPTH: u64 = 20;
/// The most that the same product may be for all functions together that are nested unusually.
const MAX_UNUSUAL: u64 = 300_000;
/// The most parameters and the most results of a block.
const MAX_BLOCK_VALUES: usize = 16;
/// The most results of a function.
const MAX_RESULTS: usize = 16;
/// The most parameters of a function.
const MAX_PARAMS: usize = 256;

/// Refuse code that would take the compiler long for its size. It has been inspected before.
pub(crate) fn check(layer: Layer, bytes: &[u8]) -> Result<(), Refusal> {
    match layer {
        Layer::Module => check_module(bytes),
        Layer::Component => {
            for payload in Parser::new(0).parse_all(bytes) {
                if let Payload::ModuleSection { unchecked_range, .. } = payload? {
                    check_module(&bytes[unchecked_range])?;
                }
            }
            Ok(())
        }
    }
}

fn check_module(bytes: &[u8]) -> Result<(), Refusal> {
    let mut types: Vec<FuncType> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    let mut bodies = 0;
    let mut unusual = 0_u64;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
                types.iter().try_for_each(narrow)?;
            }
            Payload::FunctionSection(section) => functions = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => {
                let ty = functions.get(bodies).and_then(|ty| types.get(usize::try_from(*ty).ok()?));
                bodies += 1;
                let params = ty.map_or(0, |ty| ty.params().len() as u64);
                let (depth, work) = weigh(&body, params, &types)?;
                within(work, MAX_PER_FUNCTION)?;
                if depth > USUAL_DEPTH {
                    unusual = unusual.saturating_add(work);
                    within(unusual, MAX_UNUSUAL)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn within(found: u64, limit: u64) -> Result<(), Refusal> {
    if found > limit { Err(Refusal::TooLarge("locals times the loops around them", found, limit)) } else { Ok(()) }
}

fn narrow(ty: &FuncType) -> Result<(), Refusal> {
    let check = |what, found: usize, limit: usize| {
        if found > limit { Err(Refusal::TooLarge(what, found as u64, limit as u64)) } else { Ok(()) }
    };
    check("parameters of one function", ty.params().len(), MAX_PARAMS)?;
    check("results of one function", ty.results().len(), MAX_RESULTS)
}

/// How deep a function's loops are nested, and that times its locals.
fn weigh(body: &FunctionBody<'_>, params: u64, types: &[FuncType]) -> Result<(u64, u64), Refusal> {
    let mut locals = params;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0.into());
    }
    let (mut open, mut depth, mut deepest) = (Vec::new(), 0_u64, 0_u64);
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Loop { blockty } => {
                block(blockty, types)?;
                open.push(true);
                depth += 1;
                deepest = deepest.max(depth);
            }
            Operator::Block { blockty } | Operator::If { blockty } => {
                block(blockty, types)?;
                open.push(false);
            }
            Operator::End if open.pop() == Some(true) => depth -= 1,
            _ => {}
        }
    }
    Ok((deepest, deepest.saturating_mul(locals)))
}

fn block(ty: BlockType, types: &[FuncType]) -> Result<(), Refusal> {
    let BlockType::FuncType(index) = ty else { return Ok(()) };
    let values = types.get(index as usize).map_or(0, |ty| ty.params().len());
    if values > MAX_BLOCK_VALUES {
        return Err(Refusal::TooLarge("parameters of one block", values as u64, MAX_BLOCK_VALUES as u64));
    }
    Ok(())
}
