"""Follows the blocks of a running Ethereum node, by two subscriptions over one connection.

python heads.py ws://127.0.0.1:8545 [trio]
"""

from __future__ import annotations

import sys

import anyio
from ethereum_sdk import EthereumClient, EthSubscribeKind, InvalidTransaction, Transaction


async def main(url: str) -> None:
    with anyio.fail_after(60):
        async with EthereumClient.open(url) as node:
            rich, poor = (await node.eth_accounts())[:2]
            first = await node.eth_subscribe(kind=EthSubscribeKind.NEW_HEADS)
            second = await node.eth_subscribe(kind=EthSubscribeKind.NEW_HEADS)
            events = node.events.eth_subscription
            async with events().on(first) as heads, events().on(second) as others:
                before = await node.eth_get_balance(address=poor, block="latest")
                await node.eth_send_transaction(transaction=Transaction(from_=rich, to=poor, value="0x2a"))
                block, same = await anext(heads), await anext(others)
                after = await node.eth_get_balance(address=poor, block="latest")
                print("a block", block.hash == same.hash, "with", int(after, 16) - int(before, 16))
                print("by two routes", (heads.route, others.route) == (first, second))

                print("unsubscribed", await node.eth_unsubscribe(subscription=second))
                await node.evm_mine()
                print("the next one", (await anext(heads)).parent_hash == block.hash)
            try:
                much = Transaction(from_=rich, to=poor, value=hex(10**30))
                await node.eth_send_transaction(transaction=much)
            except InvalidTransaction as error:
                print("refused", error.wire_code, error)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend="trio" if "trio" in sys.argv else "asyncio")
