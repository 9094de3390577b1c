# ---- the engine, second half: changing this server; the same in every script -------------------

function Add-PolicyRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    $parameters = $Rule.Clone()
    $parameters['PolicyStore'] = $Store
    $parameters['Group'] = $Policy['Group']
    $parameters['Profile'] = $Policy['Profile']
    $parameters['Enabled'] = 'True'
    foreach ($name in @('DisplayName', 'Description')) {
        $parameters[$name] = [System.Text.RegularExpressions.Regex]::Unescape($Rule[$name])
    }
    New-NetFirewallRule @parameters -ErrorAction Stop | Out-Null
}

function Test-OwnAddress {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address
    )
    $spans = @(foreach ($item in $Address) { ConvertTo-AddressSpan -Address $item })
    foreach ($card in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
        foreach ($unicast in $card.GetIPProperties().UnicastAddresses) {
            $text = $unicast.Address.ToString() -replace '%.*$', ''
            $own = @((ConvertTo-AddressSpan -Address $text) -split '-')[0]
            foreach ($span in $spans) {
                $ends = @($span -split '-')
                if ($ends[0].Length -eq $own.Length -and
                    [string]::CompareOrdinal($ends[0], $own) -le 0 -and
                    [string]::CompareOrdinal($own, $ends[1]) -le 0) {
                    return $true
                }
            }
        }
    }
    $false
}

function Write-EnforcementWarning {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Says why rules that are all there may still not decide what passes.
    $allowsOut = @(
        $Rule | Where-Object { $_['Direction'] -eq 'Outbound' -and $_['Action'] -eq 'Allow' }
    )
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
        $name = $item.Name
        if ("$($item.Enabled)" -eq 'False') {
            $text = 'Profile {0}: the firewall is off, no rule is in force.'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.AllowLocalFirewallRules)" -eq 'False') {
            $text = 'Profile {0}: Group Policy has local rules ignored (AllowLocalFirewallRules).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.AllowInboundRules)" -eq 'False') {
            $text = 'Profile {0}: inbound rules are ignored (AllowInboundRules is False).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.DefaultInboundAction)" -eq 'Allow') {
            $text = 'Profile {0}: inbound traffic that no rule allows passes (default is Allow).'
            Write-Warning -Message ($text -f $name)
        }
        if ($allowsOut.Count -gt 0 -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = 'Profile {0}: outbound traffic that no rule allows passes (no default Block).'
            Write-Warning -Message ($text -f $name)
        }
    }
}

$isLocal = $PolicyStore -eq 'PersistentStore'
if ($isLocal -and $Mode -ne 'Remove' -and -not (Test-OwnAddress -Address $policy['Address'])) {
    $text = 'This machine has none of the addresses of server {0} ({1}).'
    $text = $text -f $policy['Server'], ($policy['Address'] -join ', ')
    if ($Mode -eq 'Apply' -and -not $Force) {
        throw ('{0} Nothing was changed; -Force applies the rules all the same.' -f $text)
    }
    Write-Warning -Message $text
}
if ($Mode -eq 'Apply' -and -not $isLocal -and $keywords.Count -gt 0) {
    throw 'The rules match host names through dynamic keywords, which a Group Policy cannot hold.'
}

$present = Get-OwnRule -Policy $policy -Store $PolicyStore
$findings = @()
$missingKeywords = @()
$removals = @($present.Keys | Sort-Object)
if ($Mode -ne 'Remove') {
    $findings = @(Get-Finding -Policy $policy -Rule $rules -Present $present -Store $PolicyStore)
    $missingKeywords = @(Get-MissingKeyword -Keyword $keywords)
    $removals = @($findings | Where-Object { $_.Finding -eq 'Stale' } | ForEach-Object { $_.Name })
}

$proxyFindings = @()
if ($isLocal -and $proxy['Settings'] -ne 'Ignored') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $proxyFindings = @(Get-ProxyFinding -Proxy $wantedProxy)
    $needsModule = @($proxyFindings | Where-Object { $_.Layer -eq 'WinINet' }).Count -gt 0
    $command = Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue
    if ($Mode -ne 'Verify' -and $needsModule -and $null -eq $command) {
        throw 'Nothing was changed: proxy settings need the module WinInetProxy, which is missing.'
    }
}

if ($Mode -eq 'Verify') {
    foreach ($item in $missingKeywords) {
        [pscustomobject] @{ Name = $item['Keyword']; Finding = 'Missing host name' }
    }
    $findings | Select-Object -Property 'Name', 'Finding'
    $proxyFindings | Select-Object -Property 'Name', 'Finding'
    if ($isLocal) {
        Write-EnforcementWarning -Rule $rules
    }
    return
}

$created = New-Object -TypeName 'System.Collections.Generic.List[string]'
$createdKeywords = New-Object -TypeName 'System.Collections.Generic.List[string]'
$updated = New-Object -TypeName 'System.Collections.Generic.List[object]'
$changedProxies = New-Object -TypeName 'System.Collections.Generic.List[object]'
try {
    foreach ($item in $missingKeywords) {
        if ($PSCmdlet.ShouldProcess($item['Keyword'], 'Create dynamic keyword for host name')) {
            $parameters = @{ Id = $item['Id']; Keyword = $item['Keyword']; AutoResolve = $true }
            New-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
            $createdKeywords.Add($item['Id'])
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Missing' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Create firewall rule')) {
            Add-PolicyRule -Policy $policy -Rule $item.Rule -Store $PolicyStore
            $created.Add($item.Name)
            [pscustomobject] @{ Name = $item.Name; Finding = 'Created' }
        }
    }
    # The addresses of a service tag change under the rule's name.
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Changed: RemoteAddress' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Set addresses of firewall rule')) {
            $parameters = @{ PolicyStore = $PolicyStore; Name = $item.Name }
            $parameters['RemoteAddress'] = @($item.Rule['RemoteAddress'])
            if (-not $item.Rule.ContainsKey('RemoteAddress')) {
                $parameters['RemoteAddress'] = 'Any'
            }
            $updated.Add($item)
            Set-NetFirewallRule @parameters -ErrorAction Stop
            [pscustomobject] @{ Name = $item.Name; Finding = 'Updated' }
        }
    }
    # A rule that was edited by hand has our name, so its successor cannot stand beside it.
    foreach ($item in @($findings | Where-Object { $_.Finding -like 'Changed*' })) {
        if ($item.Finding -eq 'Changed: RemoteAddress') {
            continue
        }
        if ($PSCmdlet.ShouldProcess($item.Name, 'Create changed firewall rule anew')) {
            Remove-NetFirewallRule -InputObject $present[$item.Name] -ErrorAction Stop
            Add-PolicyRule -Policy $policy -Rule $item.Rule -Store $PolicyStore
            [pscustomobject] @{ Name = $item.Name; Finding = 'Restored' }
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Disabled' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Enable firewall rule')) {
            Enable-NetFirewallRule -InputObject $present[$item.Name] -ErrorAction Stop
            [pscustomobject] @{ Name = $item.Name; Finding = 'Enabled' }
        }
    }
    # Now that the way to the proxy is open, and before the former direct ways close.
    foreach ($item in @($proxyFindings | Where-Object { $_.Finding -ne 'Stale' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Set proxy')) {
            if ($null -eq (Get-ProxyBackup -Layer $item.Layer)) {
                Save-ProxyBackup -Layer $item.Layer -State $item.Former
            }
            $changedProxies.Add($item)
            Write-ProxyState -Layer $item.Layer -State $item.State
            [pscustomobject] @{ Name = $item.Name; Finding = 'Set' }
        }
    }
}
catch {
    $failure = $_
    Write-Warning -Message 'Not everything could be created: what this run made is removed again.'
    foreach ($name in $created) {
        try {
            Remove-NetFirewallRule -PolicyStore $PolicyStore -Name $name -ErrorAction Stop
        }
        catch {
            Write-Warning -Message ('Rule {0} could not be removed: {1}' -f $name, $_)
        }
    }
    foreach ($item in $updated) {
        try {
            $parameters = @{ PolicyStore = $PolicyStore; Name = $item.Name }
            Set-NetFirewallRule @parameters -RemoteAddress $item.Former -ErrorAction Stop
        }
        catch {
            $text = 'Rule {0} could not get its former addresses back: {1}'
            Write-Warning -Message ($text -f $item.Name, $_)
        }
    }
    foreach ($id in $createdKeywords) {
        try {
            Remove-NetFirewallDynamicKeywordAddress -Id $id -ErrorAction Stop
        }
        catch {
            Write-Warning -Message ('Dynamic keyword {0} could not be removed: {1}' -f $id, $_)
        }
    }
    foreach ($item in $changedProxies) {
        try {
            Write-ProxyState -Layer $item.Layer -State $item.Former
            if ($item.Finding -eq 'Missing') {
                Clear-ProxyBackup -Layer $item.Layer
            }
        }
        catch {
            Write-Warning -Message ('{0} could not be put back: {1}' -f $item.Name, $_)
        }
    }
    throw $failure
}

foreach ($item in @($proxyFindings | Where-Object { $_.Finding -eq 'Stale' })) {
    if ($PSCmdlet.ShouldProcess($item.Name, 'Restore what was there before')) {
        Write-ProxyState -Layer $item.Layer -State $item.State
        Clear-ProxyBackup -Layer $item.Layer
        [pscustomobject] @{ Name = $item.Name; Finding = 'Restored' }
    }
}

$oldKeywords = @(Get-KeywordId -Rule @($removals | ForEach-Object { $present[$_] }))
foreach ($name in $removals) {
    if ($PSCmdlet.ShouldProcess($name, 'Remove firewall rule')) {
        Remove-NetFirewallRule -InputObject $present[$name] -ErrorAction Stop
        [pscustomobject] @{ Name = $name; Finding = 'Removed' }
    }
}
if ($oldKeywords.Count -gt 0) {
    # A dynamic keyword goes when the last rule that used it has gone, whoever made that rule.
    $used = @{}
    $left = @(Get-NetFirewallRule -PolicyStore $PolicyStore -ErrorAction Stop)
    Get-KeywordId -Rule $left | ForEach-Object { $used[$_] = $true }
    foreach ($id in @($oldKeywords | Sort-Object -Unique)) {
        if ($used.ContainsKey($id)) {
            continue
        }
        if ($PSCmdlet.ShouldProcess($id, 'Remove dynamic keyword')) {
            Remove-NetFirewallDynamicKeywordAddress -Id $id -ErrorAction Stop
        }
    }
}

if ($Mode -eq 'Apply' -and $isLocal) {
    Write-EnforcementWarning -Rule $rules
}
