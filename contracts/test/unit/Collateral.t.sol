// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ICollateral} from "../../src/interfaces/ICollateral.sol";
import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {HaircutLib} from "../../src/libraries/HaircutLib.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Fixture} from "../support/Fixture.sol";

/// @dev Keeps a unit of each transfer.
contract SkimmingToken is TokenMock {
    constructor() TokenMock("Skimming", "SKIM", 18) {}

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return super.transferFrom(from, to, amount - 1);
    }
}

contract CollateralTest is Fixture {
    uint64 private constant HAIRCUT = 0.1e18;
    uint128 private constant CAP = 10_000_000e6;
    TokenMock private six;
    uint16 private btcId;
    uint16 private ethId;
    uint16 private sixId;

    function setUp() public override {
        super.setUp();
        six = new TokenMock("Six", "SIX", 6);
        btcId = collateral.addToken(address(btcToken), BTC, HAIRCUT, CAP);
        ethId = collateral.addToken(address(ethToken), ETH, HAIRCUT, CAP);
        sixId = collateral.addToken(address(six), ETH, 0.5e18, CAP);
    }

    /* ALLOW-LIST */

    function test_addToken_refusals() public {
        TokenMock odd = new TokenMock("Odd", "ODD", 9);
        TokenMock good = new TokenMock("Good", "GOOD", 8);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnsupportedDecimals.selector, address(odd), uint8(9)));
        collateral.addToken(address(odd), BTC, HAIRCUT, CAP);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.TokenExists.selector, address(six)));
        collateral.addToken(address(six), BTC, HAIRCUT, CAP);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.InvalidToken.selector, address(usdc)));
        collateral.addToken(address(usdc), BTC, HAIRCUT, CAP);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownSource.selector, uint16(9)));
        collateral.addToken(address(odd), 9, HAIRCUT, CAP);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.HaircutOutOfBounds.selector, uint64(1), uint64(2e16)));
        collateral.addToken(address(odd), BTC, 1, CAP);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.CapTooLarge.selector, type(uint128).max, uint128(2 ** 56)));
        collateral.addToken(address(good), BTC, HAIRCUT, type(uint128).max);
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner));
        collateral.setCap(btcId, 0);
        assertEq(uint256(collateral.tokenCount()), 3, "6, 8 and 18 decimals are in");
    }

    function test_addToken_ninth_reverts() public {
        for (uint256 i = 3; i < 8; ++i) {
            collateral.addToken(address(new TokenMock("More", "MORE", 6)), BTC, HAIRCUT, CAP);
        }
        TokenMock ninth = new TokenMock("Ninth", "NINE", 6);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.TooManyTokens.selector, 8));
        collateral.addToken(address(ninth), BTC, HAIRCUT, CAP);
        assertEq(uint256(collateral.tokenCount()), 8, "eight");
    }

    /* IN */

    function test_deposit_countsAtItsHaircut_inEveryDecimals() public {
        _pledge(alice, btcToken, btcId, 1e8);
        assertEq(clearinghouse.netCash(alice.account), 54_000e6, "one bitcoin");
        _pledge(alice, ethToken, ethId, 2e18);
        assertEq(clearinghouse.netCash(alice.account), 54_000e6 + 5_400e6, "two ether");
        _pledge(alice, six, sixId, 1e6);
        assertEq(clearinghouse.netCash(alice.account), 54_000e6 + 5_400e6 + 1_500e6, "one of six decimals");
        assertEq(_cash(alice.account), 0, "no cash");
        ICollateral.Balance[] memory held = collateral.balancesOf(alice.account);
        assertEq(held.length, 3, "three balances");
        assertEq(uint256(held[1].amount), 2e18, "ether");
    }

    function test_deposit_capBoundary() public {
        collateral.setCap(btcId, 60_000e6);
        _pledge(alice, btcToken, btcId, 1e8);
        btcToken.mint(bob.owner, 1e8);
        vm.startPrank(bob.owner);
        btcToken.approve(address(collateral), 1e8);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.OverCap.selector, btcId, 60_000.0006e6, uint128(60_000e6)));
        collateral.deposit(bob.account, btcId, 1);
        vm.stopPrank();
    }

    function test_deposit_feeOnTransfer_reverts() public {
        SkimmingToken skimming = new SkimmingToken();
        uint16 id = collateral.addToken(address(skimming), ETH, HAIRCUT, CAP);
        skimming.mint(alice.owner, 1e18);
        vm.startPrank(alice.owner);
        skimming.approve(address(collateral), 1e18);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.TransferShort.selector, 1e18 - 1, 1e18));
        collateral.deposit(alice.account, id, 1e18);
        vm.stopPrank();
    }

    function test_deposit_staleZeroForeignOrUnknown_reverts() public {
        vm.startPrank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotOwner.selector, mallory.owner, alice.account));
        collateral.deposit(alice.account, btcId, 1);
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        collateral.deposit(mallory.account, btcId, 0);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownToken.selector, uint16(4)));
        collateral.deposit(mallory.account, 4, 1);
        vm.warp(block.timestamp + MAX_SPOT_AGE + 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.StalePrice.selector, btcId));
        collateral.deposit(mallory.account, btcId, 1);
        vm.stopPrank();
    }

    /* OUT */

    function test_withdraw_upToInitialMargin() public {
        _pledge(alice, btcToken, btcId, 1e8);
        _deposit(alice.account, 1_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _perpetual(BTC), 200, BTC_SPOT);
        vm.startPrank(alice.owner);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        collateral.withdraw(alice.account, btcId, 1e8, alice.owner, _noClaim());
        collateral.withdraw(alice.account, btcId, 0.5e8, alice.owner, _noClaim());
        vm.stopPrank();
        assertEq(btcToken.balanceOf(alice.owner), 0.5e8, "half");
    }

    function test_withdraw_moreThanHeldOrOfOthers_reverts() public {
        _pledge(alice, btcToken, btcId, 1e8);
        vm.prank(alice.owner);
        vm.expectRevert(
            abi.encodeWithSelector(ICollateral.InsufficientTokens.selector, alice.account, btcId, 1e8, 1e8 + 1)
        );
        collateral.withdraw(alice.account, btcId, 1e8 + 1, alice.owner, _noClaim());
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotOwner.selector, mallory.owner, alice.account));
        collateral.withdraw(alice.account, btcId, 1, mallory.owner, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotCollateral.selector, address(this)));
        clearinghouse.releaseCollateral(alice.account, 0, _noClaim());
    }

    function test_withdraw_nothing_orAClaimThatIsNot_reverts() public {
        _pledge(alice, btcToken, btcId, 1e8);
        assertTrue(collateral.holds(alice.account), "holds");
        vm.startPrank(alice.owner);
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        collateral.withdraw(alice.account, btcId, 0, alice.owner, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownToken.selector, uint16(0)));
        collateral.withdraw(alice.account, 0, 1, alice.owner, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownClaim.selector, 0, 0));
        collateral.payClaim(0);
        collateral.withdraw(alice.account, btcId, 1e8, alice.owner, _noClaim());
        vm.stopPrank();
        assertFalse(collateral.holds(alice.account), "holds no more");
        assertEq(collateral.claimCount(), 0, "at once");
    }

    function test_seize_byAnybodyButTheClearinghouse_reverts() public {
        _pledge(alice, btcToken, btcId, 1e8);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotClearinghouse.selector, address(this)));
        collateral.seize(alice.account, mallory.account, true, 1e18);
    }

    function test_deposit_moreThan128Bits_reverts() public {
        _pledge(alice, six, sixId, 1);
        six.mint(bob.owner, type(uint128).max);
        vm.startPrank(bob.owner);
        six.approve(address(collateral), type(uint128).max);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.OverCap.selector, sixId, type(uint256).max, CAP));
        collateral.deposit(bob.account, sixId, type(uint128).max);
        collateral.deposit(bob.account, sixId, 1);
        vm.stopPrank();
    }

    function test_withdraw_aboveTheOutflowOfADay_waits() public {
        _pledge(alice, btcToken, btcId, 20e8);
        vm.startPrank(alice.owner);
        // A million dollars may leave at once: 16 of 60,000 do, the rest of a larger piece does not.
        collateral.withdraw(alice.account, btcId, 16e8, alice.owner, _noClaim());
        assertEq(btcToken.balanceOf(alice.owner), 16e8, "at once");
        collateral.withdraw(alice.account, btcId, 4e8, alice.owner, _noClaim());
        vm.stopPrank();
        assertEq(btcToken.balanceOf(alice.owner), 16e8, "waits");
        vm.expectPartialRevert(ICollateral.ClaimNotReady.selector);
        collateral.payClaim(0);
        vm.warp(block.timestamp + 24 hours);
        collateral.payClaim(0);
        assertEq(btcToken.balanceOf(alice.owner), 20e8, "a day later");
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        collateral.payClaim(0);
    }

    function test_stalePrice_harmsNobodyButPermitsNothing() public {
        _pledge(alice, ethToken, ethId, 10e18);
        _deposit(alice.account, 1_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _perpetual(BTC), 100, BTC_SPOT);
        int256 equity = _equity(alice.account);
        vm.warp(block.timestamp + MAX_SPOT_AGE + 1);
        _postSpot(BTC, BTC_SPOT);
        _update(BTC, _quotes(BTC));
        assertEq(_equity(alice.account), equity, "valued at the last price");
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.trade(alice, dealer, _perpetual(BTC), 10);
        _postSpot(ETH, ETH_SPOT);
        this.trade(alice, dealer, _perpetual(BTC), 10);
    }

    /* LIQUIDATION */

    function test_bid_movesTheFractionOfEachToken_equityStaysLinear() public {
        _unhealthy();
        int256 equity = _equity(alice.account);
        int256 tokensBefore = int256(uint256(collateral.balancesOf(alice.account)[0].amount));
        uint256 sold = _bid(liquidator, alice.account, 0.3e18);
        int256 price = AuctionPrice.first(equity);
        assertEq(_tokens(alice.account, btcId) + _tokens(liquidator.account, btcId), uint256(tokensBefore), "kept");
        assertEq(
            _tokens(liquidator.account, btcId),
            (uint256(tokensBefore) * sold + 0.5e18) / 1e18,
            "the fraction, rounded to nearest"
        );
        // What is left: the rest of equity and the price of what is sold, but for units.
        int256 expected = equity - (equity - price) * int256(sold) / 1e18;
        int256 found = _equity(alice.account);
        assertLe(found - expected, 2, "not more");
        assertLe(expected - found, 2 + int256(13e6 + 20e6 + 10e6), "less what the reserve paid");
    }

    /// @dev Of the whole that the sale began with, so that what many bids take adds up to what one takes.
    function test_bid_second_countsFromTheSalesBeginning() public {
        _unhealthy();
        uint256 held = _tokens(alice.account, btcId);
        for (uint96 i; i < 2; ++i) {
            Actor memory buyer = liquidator;
            buyer.account = _account(liquidator.owner, 100 + i);
            _deposit(buyer.account, 100_000e6);
            _bid(buyer, alice.account, 0.1e18);
            uint256 fraction = auction.auction(alice.account).fractionSold;
            // Unwell again for the next.
            _advance(60, 51_500e8, ETH_SPOT);
            assertLt(0, fraction, "not all of it");
            assertEq(_tokens(alice.account, btcId), held - (held * fraction + 0.5e18) / 1e18, "the cumulative fraction");
        }
    }

    function test_flagAndBid_brickedToken_pass() public {
        _unhealthyButForTheFlag();
        vm.etch(address(btcToken), hex"fe");
        _flagAndWait(alice.account, FALL);
        _bid(liquidator, alice.account, 1e18);
        assertTrue(_tokens(liquidator.account, btcId) != 0, "moved inside the book");
    }

    function test_locked_neitherInNorOut() public {
        _unhealthy();
        vm.startPrank(alice.owner);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.AccountIsLocked.selector, alice.account));
        collateral.deposit(alice.account, btcId, 1);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, alice.account));
        collateral.withdraw(alice.account, btcId, 1, alice.owner, _noClaim());
        vm.stopPrank();
    }

    /// @dev The leg is settled into a debt; the tokens that no longer cover it are sold.
    function test_tokensAlone_belowZero_areFlaggedSoldAndTheDeficitReported() public {
        _pledge(alice, btcToken, btcId, 0.2e8);
        _deposit(alice.account, 100e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _future(BTC, NEAR), 600, engine.markOf(_future(BTC, NEAR)));
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, 30_000e8);
        clearinghouse.settle(alice.account);
        assertEq(clearinghouse.legsOf(alice.account).length, 0, "no legs");
        assertTrue(clearinghouse.netCash(alice.account) < 0, "a debt");
        vm.expectPartialRevert(ILiquidationAuction.StillHoldsLegs.selector);
        auction.takeDeficit(alice.account);
        _flagAndWait(alice.account, 0);
        _deposit(liquidator.account, 100_000e6);
        _bid(liquidator, alice.account, 1e18);
        assertEq(_tokens(liquidator.account, btcId), 0.2e8, "sold at the haircut");
        assertEq(_tokens(alice.account, btcId), 0, "none left");
        assertTrue(!clearinghouse.accountState(alice.account).locked, "emptied");
        assertEq(treasury.provisionalLoss(), uint256(-clearinghouse.netCash(alice.account)), "the rest is a loss");
    }

    /// @dev However a book is cut into bids, no unit of a token and no micro-dollar comes or goes.
    function testFuzz_bids_conserveTokensAndMoney(uint256 seed) public {
        _unhealthy();
        uint256 held = _tokens(alice.account, btcId);
        for (uint96 i; i < 6 && clearinghouse.accountState(alice.account).locked; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            Actor memory buyer = liquidator;
            buyer.account = _account(liquidator.owner, 100 + i);
            _deposit(buyer.account, 100_000e6);
            vm.warp(vm.getBlockTimestamp() + word % 5 minutes);
            try this.bid(buyer, alice.account, word % 1e18) {} catch {}
        }
        uint256 sum = _tokens(alice.account, btcId);
        for (uint96 i; i < 6; ++i) {
            sum += _tokens(_account(liquidator.owner, 100 + i), btcId);
        }
        assertEq(sum, held, "tokens");
        assertEq(btcToken.balanceOf(address(collateral)), held, "as the contract holds");
    }

    function bid(Actor calldata buyer, bytes32 account, uint256 fraction) external {
        _bid(buyer, account, fraction);
    }

    function trade(Actor calldata buyer, Actor calldata seller, uint128 id, uint64 lots) external {
        _tradeAtMark(buyer, seller, id, lots);
    }

    /// @dev Bilinear in amount and haircut, down; never above the exact value.
    function testFuzz_value_roundsDownAndSplitsBelowTheWhole(uint128 a, uint128 b, uint64 price, uint64 cut)
        public
        pure
    {
        uint256 haircut = cut % 1e18;
        uint256 whole = HaircutLib.value(uint256(a) / 2 + uint256(b) / 2, price, haircut, 18);
        uint256 parts = HaircutLib.value(a / 2, price, haircut, 18) + HaircutLib.value(b / 2, price, haircut, 18);
        assertLe(parts, whole, "splitting gains nothing");
        assertLe(whole - parts, 1, "and loses a unit at most");
    }

    function _pledge(Actor memory a, TokenMock token, uint16 id, uint256 amount) private {
        token.mint(a.owner, amount);
        vm.startPrank(a.owner);
        token.approve(address(collateral), amount);
        collateral.deposit(a.account, id, amount);
        vm.stopPrank();
    }

    function _tokens(bytes32 account, uint16 id) private view returns (uint256) {
        ICollateral.Balance[] memory held = collateral.balancesOf(account);
        for (uint256 i; i < held.length; ++i) {
            if (held[i].id == id) return held[i].amount;
        }
        return 0;
    }

    function _unhealthyButForTheFlag() private {
        _pledge(alice, btcToken, btcId, 0.2e8);
        _deposit(alice.account, 1_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _deposit(liquidator.account, 100_000e6);
        _trade(alice, dealer, _perpetual(BTC), 900, BTC_SPOT);
        _advance(60, 53_000e8, ETH_SPOT);
    }

    function _unhealthy() private {
        _unhealthyButForTheFlag();
        _flagAndWait(alice.account, FALL);
    }
}

/// @dev The line at its very beginning.
library AuctionPrice {
    function first(int256 equity) internal pure returns (int256) {
        return equity <= 0 ? equity : equity * 102 / 100;
    }
}
